-- result
SELECT event_name AS dimension, avg(`numeric_props`.`latency_ms`::Nullable(Float64)) AS value, NULL AS total, count() OVER () AS groups
FROM `emban`.`events`
WHERE org_id = {p0:String}
  AND environment = {p1:String}
  AND tenant_id = {p2:String}
  AND timestamp >= {p3:DateTime64(3, 'UTC')}
  AND timestamp < {p4:DateTime64(3, 'UTC')}
GROUP BY dimension
ORDER BY value ASC NULLS LAST, dimension ASC
LIMIT {p5:Int64}
--   p0 String = org_1
--   p1 String = production
--   p2 String = acme
--   p3 DateTime64(3, 'UTC') = 2026-10-22 00:00:00
--   p4 DateTime64(3, 'UTC') = 2026-11-21 00:00:00
--   p5 Int64 = 3
