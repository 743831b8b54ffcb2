-- After how many days an organisation's events are removed; NULL for never.
ALTER TABLE organizations ADD COLUMN retention_days BIGINT;

-- Removals of events that are under way, one of an organisation at a time. The plan is written before the first row goes and says exactly
-- what goes, so that a program that finds one whose program died finishes it and nothing is counted twice; NULL while it is being made.
CREATE TABLE removals (
  org_id TEXT NOT NULL PRIMARY KEY,
  id TEXT NOT NULL,
  plan TEXT,
  touched_at BIGINT NOT NULL
);
