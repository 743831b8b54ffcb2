-- What viewers keep of their own on a dashboard. A viewer is a user of a customer, by the id that the host's back end gave with the session;
-- '' stands for all whose sessions name none.
CREATE TABLE viewer_layouts (
  org_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  environment TEXT NOT NULL,
  tenant_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  dashboard_id TEXT NOT NULL REFERENCES dashboards (id) ON DELETE CASCADE,
  positions TEXT NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (org_id, environment, tenant_id, user_id, dashboard_id)
);
CREATE INDEX viewer_layouts_dashboard ON viewer_layouts (dashboard_id);

CREATE TABLE viewer_widgets (
  id TEXT NOT NULL PRIMARY KEY,
  org_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  environment TEXT NOT NULL,
  tenant_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  dashboard_id TEXT NOT NULL REFERENCES dashboards (id) ON DELETE CASCADE,
  widget TEXT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE INDEX viewer_widgets_viewer ON viewer_widgets (org_id, environment, tenant_id, user_id, dashboard_id);
CREATE INDEX viewer_widgets_dashboard ON viewer_widgets (dashboard_id);
