-- Organisations that were deleted. Nothing of them is in any other table; what the event store still holds of them is erased afterwards, and again
-- when a program that was away stores what it had accepted for one of them.
CREATE TABLE deleted_organizations (
  id TEXT NOT NULL PRIMARY KEY,
  deleted_at BIGINT NOT NULL,
  -- Since when the event store has been seen without anything of it, long enough after; NULL until then.
  erased_at BIGINT
);
CREATE INDEX deleted_organizations_open ON deleted_organizations (erased_at);
