-- The configuration store's first schema, in the SQL that SQLite and PostgreSQL both speak: TEXT, BIGINT, no sequences.
-- Times are milliseconds since 1970-01-01T00:00:00Z, truth values 0 or 1, JSON is TEXT, hashes are lower-case hexadecimal.

CREATE TABLE organizations (
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  plan TEXT NOT NULL,
  allowed_origins TEXT NOT NULL,
  created_at BIGINT NOT NULL
);

CREATE TABLE environments (
  org_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (org_id, name)
);

CREATE TABLE users (
  id TEXT NOT NULL PRIMARY KEY,
  email TEXT NOT NULL,
  name TEXT NOT NULL,
  password_hash TEXT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX users_email ON users (email);

CREATE TABLE memberships (
  org_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  role TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'editor', 'member')),
  created_at BIGINT NOT NULL,
  PRIMARY KEY (org_id, user_id)
);
CREATE INDEX memberships_user ON memberships (user_id);
-- Exactly one owner: the database holds it, whatever a route forgets.
CREATE UNIQUE INDEX memberships_owner ON memberships (org_id) WHERE role = 'owner';

CREATE TABLE console_sessions (
  id TEXT NOT NULL PRIMARY KEY,
  token_hash TEXT NOT NULL,
  org_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  last_seen_at BIGINT NOT NULL,
  -- A member who is removed is signed out by the same stroke.
  FOREIGN KEY (org_id, user_id) REFERENCES memberships (org_id, user_id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX console_sessions_token ON console_sessions (token_hash);
CREATE INDEX console_sessions_member ON console_sessions (org_id, user_id);
CREATE INDEX console_sessions_expiry ON console_sessions (expires_at);

CREATE TABLE api_keys (
  id TEXT NOT NULL PRIMARY KEY,
  org_id TEXT NOT NULL,
  environment TEXT NOT NULL,
  name TEXT NOT NULL,
  scope TEXT NOT NULL CHECK (scope IN ('admin', 'ingest')),
  prefix TEXT NOT NULL,
  secret_hash TEXT NOT NULL,
  created_by TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  last_used_at BIGINT,
  revoked_at BIGINT,
  FOREIGN KEY (org_id, environment) REFERENCES environments (org_id, name) ON DELETE CASCADE
);
CREATE UNIQUE INDEX api_keys_secret ON api_keys (secret_hash);
CREATE INDEX api_keys_page ON api_keys (org_id, created_at, id);

CREATE TABLE dashboards (
  id TEXT NOT NULL PRIMARY KEY,
  org_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  slug TEXT NOT NULL,
  name TEXT NOT NULL,
  config TEXT NOT NULL,
  revision BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  created_by TEXT NOT NULL,
  updated_at BIGINT NOT NULL,
  updated_by TEXT NOT NULL,
  -- The number of the newest snapshot, 0 before the first; published_version is NULL while the dashboard is offline.
  last_version BIGINT NOT NULL,
  published_version BIGINT
);
CREATE UNIQUE INDEX dashboards_slug ON dashboards (org_id, slug);
CREATE INDEX dashboards_page ON dashboards (org_id, created_at, id);

CREATE TABLE dashboard_versions (
  dashboard_id TEXT NOT NULL REFERENCES dashboards (id) ON DELETE CASCADE,
  version BIGINT NOT NULL,
  name TEXT NOT NULL,
  config TEXT NOT NULL,
  revision BIGINT NOT NULL,
  published_at BIGINT NOT NULL,
  published_by TEXT NOT NULL,
  PRIMARY KEY (dashboard_id, version)
);

CREATE TABLE embed_sessions (
  id TEXT NOT NULL PRIMARY KEY,
  org_id TEXT NOT NULL,
  environment TEXT NOT NULL,
  tenant_id TEXT NOT NULL,
  dashboard_id TEXT NOT NULL REFERENCES dashboards (id) ON DELETE CASCADE,
  permissions TEXT NOT NULL,
  context TEXT NOT NULL,
  timezone TEXT,
  locale TEXT,
  allowed_origins TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  created_by TEXT NOT NULL,
  expires_at BIGINT NOT NULL,
  revoked_at BIGINT,
  FOREIGN KEY (org_id, environment) REFERENCES environments (org_id, name) ON DELETE CASCADE
);
CREATE INDEX embed_sessions_page ON embed_sessions (org_id, tenant_id, created_at, id);
CREATE INDEX embed_sessions_dashboard ON embed_sessions (dashboard_id);
CREATE INDEX embed_sessions_expiry ON embed_sessions (expires_at);

-- Which keys sign embed tokens. The secret is derived from the server's secret key and the kid, and is stored nowhere.
CREATE TABLE signing_keys (
  kid TEXT NOT NULL PRIMARY KEY,
  org_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  created_at BIGINT NOT NULL,
  retired_at BIGINT
);
-- One current key to an organisation; two servers that make the first one at the same time agree on it.
CREATE UNIQUE INDEX signing_keys_current ON signing_keys (org_id) WHERE retired_at IS NULL;

CREATE TABLE audit_entries (
  id TEXT NOT NULL PRIMARY KEY,
  org_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  at BIGINT NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  entity TEXT NOT NULL,
  entity_id TEXT NOT NULL,
  address TEXT NOT NULL,
  before_json TEXT,
  after_json TEXT
);
CREATE INDEX audit_entries_page ON audit_entries (org_id, at, id);
