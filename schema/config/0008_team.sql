-- What the console adds to people: invitations, forgotten passwords, sessions that can be told apart, and settings of an organisation.

-- An IANA name; NULL for UTC. The theme that new dashboards begin with, as JSON; NULL for none.
ALTER TABLE organizations ADD COLUMN time_zone TEXT;
ALTER TABLE organizations ADD COLUMN branding TEXT;

-- From where a session was begun, and with what program: for the person to recognise it.
ALTER TABLE console_sessions ADD COLUMN address TEXT NOT NULL DEFAULT '';
ALTER TABLE console_sessions ADD COLUMN user_agent TEXT NOT NULL DEFAULT '';
CREATE INDEX console_sessions_user ON console_sessions (user_id);

-- Open invitations. Accepting one deletes it, which is what makes its token work once; another one to the same address takes its place.
CREATE TABLE invites (
  id TEXT NOT NULL PRIMARY KEY,
  org_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  email TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('admin', 'editor', 'member')),
  token_hash TEXT NOT NULL,
  created_by TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX invites_token ON invites (token_hash);
CREATE UNIQUE INDEX invites_email ON invites (org_id, email);
CREATE INDEX invites_page ON invites (org_id, created_at, id);

-- The newest link of each person who has forgotten a password. Using it deletes it.
CREATE TABLE password_resets (
  user_id TEXT NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
  token_hash TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX password_resets_token ON password_resets (token_hash);
