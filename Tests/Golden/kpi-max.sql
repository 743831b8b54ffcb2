-- result
SELECT maxOrNull(`numeric_props`.`latency_ms`::Nullable(Float64)) AS value
FROM `emban`.`events`
WHERE org_id = {p0:String}
  AND environment = {p1:String}
  AND tenant_id = {p2:String}
  AND event_name = {p3:String}
  AND timestamp >= {p4:DateTime64(3, 'UTC')}
  AND timestamp < {p5:DateTime64(3, 'UTC')}
--   p0 String = org_1
--   p1 String = production
--   p2 String = acme
--   p3 String = api.call
--   p4 DateTime64(3, 'UTC') = 2026-11-14 00:00:00
--   p5 DateTime64(3, 'UTC') = 2026-11-21 00:00:00
