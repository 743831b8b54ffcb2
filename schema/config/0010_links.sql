-- Links to set a password, those that are mailed apart from those of the operator: anybody can have a mail sent to an address, and must not end by that
-- what an operator hands over because mails do not arrive. An operator's link lasts a day, a mailed one an hour.
CREATE TABLE password_links (
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  source TEXT NOT NULL CHECK (source IN ('mail', 'operator')),
  token_hash TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (user_id, source)
);
CREATE UNIQUE INDEX password_links_token ON password_links (token_hash);
INSERT INTO password_links (user_id, source, token_hash, created_at, expires_at)
  SELECT user_id, CASE WHEN expires_at - created_at > 3600000 THEN 'operator' ELSE 'mail' END, token_hash, created_at, expires_at
  FROM password_resets;
DROP TABLE password_resets;

-- Who did what: without these a filter reads the whole log of an organisation.
CREATE INDEX audit_entries_actor ON audit_entries (org_id, actor, at, id);
CREATE INDEX audit_entries_action ON audit_entries (org_id, action, at, id);
