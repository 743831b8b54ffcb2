-- Events of all organisations. The sort key makes the cost of a viewer's query follow the data of its own tenant; one JSON
-- subcolumn per property makes it follow the properties it names (docs/adr/0001-json-properties.md).
-- The deduplication window makes a batch that is sent again with its insert_deduplication_token harmless; the two fsync settings
-- make an answered insert survive a power cut (docs/adr/0002-durability.md).
CREATE TABLE IF NOT EXISTS emban.events
(
  org_id        LowCardinality(String),
  environment   LowCardinality(String),
  tenant_id     String,
  event_name    LowCardinality(String),
  timestamp     DateTime64(3, 'UTC') CODEC(Delta, LZ4),
  event_id      String,
  user_id       String,
  string_props  JSON(max_dynamic_paths = 256),
  numeric_props JSON(max_dynamic_paths = 256),
  ingested_at   DateTime64(3, 'UTC') DEFAULT now64(3) CODEC(Delta, LZ4),
  CONSTRAINT scope_is_complete CHECK org_id != '' AND environment != '' AND tenant_id != ''
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(timestamp)
ORDER BY (org_id, environment, tenant_id, event_name, timestamp)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

-- The event ids of the last week, by which ingestion recognises an event that was sent twice. The typical look-up finds none of
-- its ids, so the Bloom filter spares nearly all of the reading, and small granules bound the cost of the rest.
CREATE TABLE IF NOT EXISTS emban.event_ids
(
  org_id      LowCardinality(String),
  environment LowCardinality(String),
  tenant_id   String,
  event_id    String,
  timestamp   DateTime64(3, 'UTC'),
  ingested_at DateTime64(3, 'UTC'),
  INDEX event_id_filter event_id TYPE bloom_filter(0.001) GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toDate(ingested_at)
ORDER BY (org_id, environment, tenant_id, event_id)
TTL toDateTime(ingested_at) + INTERVAL 7 DAY
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1,
  ttl_only_drop_parts = 1, index_granularity = 1024;

CREATE MATERIALIZED VIEW IF NOT EXISTS emban.event_ids_from_events TO emban.event_ids AS
SELECT org_id, environment, tenant_id, event_id, timestamp, ingested_at
FROM emban.events
WHERE event_id != '';
