-- result
SELECT {p0:Int64} AS is_current, toInt64(toStartOfMonth(timestamp, {p1:String})) AS bucket, ifNull(sum(`numeric_props`.`tokens`::Nullable(Float64)), 0) AS value
FROM `emban`.`events`
WHERE org_id = {p2:String}
  AND environment = {p3:String}
  AND tenant_id = {p4:String}
  AND event_name = {p5:String}
  AND timestamp >= {p6:DateTime64(3, 'UTC')}
  AND timestamp < {p7:DateTime64(3, 'UTC')}
GROUP BY is_current, bucket
ORDER BY is_current, bucket
--   p0 Int64 = 1
--   p1 String = UTC
--   p2 String = org_1
--   p3 String = production
--   p4 String = acme
--   p5 String = api.call
--   p6 DateTime64(3, 'UTC') = 2024-01-01 00:00:00
--   p7 DateTime64(3, 'UTC') = 2026-01-02 00:00:00

-- previous
SELECT {p0:Int64} AS is_current, toInt64(toStartOfMonth(timestamp, {p1:String})) AS bucket, ifNull(sum(`numeric_props`.`tokens`::Nullable(Float64)), 0) AS value
FROM `emban`.`events`
WHERE org_id = {p2:String}
  AND environment = {p3:String}
  AND tenant_id = {p4:String}
  AND event_name = {p5:String}
  AND timestamp >= {p6:DateTime64(3, 'UTC')}
  AND timestamp < {p7:DateTime64(3, 'UTC')}
GROUP BY is_current, bucket
ORDER BY is_current, bucket
--   p0 Int64 = 0
--   p1 String = UTC
--   p2 String = org_1
--   p3 String = production
--   p4 String = acme
--   p5 String = api.call
--   p6 DateTime64(3, 'UTC') = 2023-01-01 00:00:00
--   p7 DateTime64(3, 'UTC') = 2025-01-02 00:00:00
