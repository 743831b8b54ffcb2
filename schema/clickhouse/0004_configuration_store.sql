-- Which configuration store these events belong to: removals and the making of rollups are agreed upon there, and two that do not know of
-- each other would subtract the same rows twice. The row with the highest claim counts, of several the first.
CREATE TABLE IF NOT EXISTS emban.configuration_store
(
  id         String,
  claim      UInt64,
  claimed_at DateTime64(6, 'UTC') DEFAULT now64(6)
)
ENGINE = MergeTree
ORDER BY claim
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
