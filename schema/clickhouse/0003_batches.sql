-- Which insert an event came with: the same number in all rows of an insert and in every repetition of it, another one in any other insert.
-- Of an event that two programs stored at the same moment the rows can be told apart by it, so that one of them is taken out again
-- (docs/adr/0011-once-among-several-programs.md). It comes as a setting of the insert and takes next to no space. Older rows have 0.
ALTER TABLE emban.events ADD COLUMN IF NOT EXISTS
  batch UInt64 DEFAULT toUInt64OrZero(toString(getSettingOrDefault('SQL_emban_batch', '0'))) CODEC(ZSTD);

ALTER TABLE emban.event_ids ADD COLUMN IF NOT EXISTS batch UInt64 CODEC(ZSTD);

ALTER TABLE emban.event_ids_from_events MODIFY QUERY
SELECT org_id, environment, tenant_id, event_id, timestamp, ingested_at, batch
FROM emban.events
WHERE event_id != '';

-- A view that was altered has another identity until the server starts again, and the deduplication tokens of what it fills contain that
-- identity: an insert that is repeated after such a start would fill event_ids twice. Attached anew it has its lasting one.
DETACH TABLE IF EXISTS emban.event_ids_from_events;

ATTACH TABLE IF NOT EXISTS emban.event_ids_from_events;
