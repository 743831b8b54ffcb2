-- How many events each customer has per event name and UTC day, and when the last of them arrived: the version of a customer's data,
-- its volume, and what rollups are held against (docs/adr/0007-rollups.md). Filled by the view below within the insert of the events,
-- and deduplicated by the same token. The count is signed because a correction may take away.
CREATE TABLE IF NOT EXISTS emban.tenant_days
(
  org_id        LowCardinality(String),
  environment   LowCardinality(String),
  tenant_id     String,
  day           Date32,
  event_name    LowCardinality(String),
  n             SimpleAggregateFunction(sum, Int64),
  last_ingested SimpleAggregateFunction(max, DateTime64(3, 'UTC'))
)
ENGINE = AggregatingMergeTree
ORDER BY (org_id, environment, tenant_id, day, event_name)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

-- Emptied and filled from the events before the view exists, so that a migration that is applied again from its start counts nothing
-- twice. Should events arrive in between, the builder of the rollups finds the difference and writes it down.
TRUNCATE TABLE emban.tenant_days;

INSERT INTO emban.tenant_days
SELECT org_id, environment, tenant_id, toDate32(timestamp) AS day, event_name, toInt64(count()) AS n, max(ingested_at) AS last_ingested
FROM emban.events
GROUP BY org_id, environment, tenant_id, day, event_name;

CREATE MATERIALIZED VIEW IF NOT EXISTS emban.tenant_days_from_events TO emban.tenant_days AS
SELECT org_id, environment, tenant_id, toDate32(timestamp) AS day, event_name, toInt64(count()) AS n, max(ingested_at) AS last_ingested
FROM emban.events
GROUP BY org_id, environment, tenant_id, day, event_name;

-- The events of customers with many of them, counted and measured in advance: a row per half-hour, UTC day or month, event name and value of one
-- dimension ('' for none: all events). In the rows of the measure '' n is the number of events; in those of a numeric property it is the
-- number of events that have it, and rows that would count none are absent. A value '' stands for events without the property.
-- A row counts only while emban.rollup_days names its build for its day or month.
-- A question reads some hundred rows with large states, often one after the other: small granules and few partitions keep their neighbours out.
CREATE TABLE IF NOT EXISTS emban.rollups
(
  org_id      LowCardinality(String),
  environment LowCardinality(String),
  tenant_id   String,
  width       LowCardinality(String),
  dimension   LowCardinality(String),
  measure     LowCardinality(String),
  event_name  LowCardinality(String),
  bucket      DateTime('UTC') CODEC(Delta, ZSTD),
  value       String CODEC(ZSTD),
  build       UInt64 CODEC(ZSTD),
  n           UInt64 CODEC(T64, ZSTD),
  s           Float64 CODEC(ZSTD),
  mn          Float64 CODEC(ZSTD),
  mx          Float64 CODEC(ZSTD),
  quantiles   AggregateFunction(quantileBFloat16, Float64) CODEC(ZSTD),
  users       AggregateFunction(uniqCombined64(17), String) CODEC(ZSTD)
)
ENGINE = MergeTree
PARTITION BY toYear(bucket)
ORDER BY (org_id, environment, tenant_id, width, dimension, measure, event_name, bucket, value)
SETTINGS index_granularity = 64;

-- Which days and months were rolled up, and how. The newest build of a day counts, and only while n is the number of events that tenant_days has;
-- that of a month (day is its first), only while n is the number of events of its days, all of which count and are older builds.
-- dimensions: with rows of the width day (or month); halves: with rows of the width half_hour too (in both '' for those of all events); the omitted_ ones
-- occur in events of that time but have no rows. What stands nowhere occurs in none of them.
CREATE TABLE IF NOT EXISTS emban.rollup_days
(
  org_id             LowCardinality(String),
  environment        LowCardinality(String),
  tenant_id          String,
  width              LowCardinality(String),
  day                Date32,
  build              UInt64,
  n                  Int64,
  dimensions         Array(String),
  halves             Array(String),
  omitted_dimensions Array(String),
  measures           Array(String),
  omitted_measures   Array(String),
  built_at           DateTime64(3, 'UTC')
)
ENGINE = MergeTree
ORDER BY (org_id, environment, tenant_id, width, day, build);
