-- Groups of an organisation's dashboards that one guest token opens, by name.
CREATE TABLE data_apps (
  id TEXT NOT NULL PRIMARY KEY,
  org_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  created_by TEXT NOT NULL,
  updated_at BIGINT NOT NULL,
  updated_by TEXT NOT NULL
);
CREATE UNIQUE INDEX data_apps_name ON data_apps (org_id, name);
CREATE INDEX data_apps_page ON data_apps (org_id, created_at, id);

-- In the order in which they are offered; the first is shown when none is asked for.
CREATE TABLE data_app_dashboards (
  app_id TEXT NOT NULL REFERENCES data_apps (id) ON DELETE CASCADE,
  dashboard_id TEXT NOT NULL REFERENCES dashboards (id) ON DELETE CASCADE,
  position BIGINT NOT NULL,
  PRIMARY KEY (app_id, dashboard_id)
);
CREATE INDEX data_app_dashboards_dashboard ON data_app_dashboards (dashboard_id);

-- NULL for sessions of a single dashboard. A data app that is deleted ends its sessions.
ALTER TABLE embed_sessions ADD COLUMN data_app_id TEXT REFERENCES data_apps (id) ON DELETE CASCADE;
CREATE INDEX embed_sessions_data_app ON embed_sessions (data_app_id);
