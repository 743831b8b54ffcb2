-- result
SELECT ifNull(`string_props`.`model`.:String, '') AS dimension, countIf(timestamp >= {p0:DateTime64(3, 'UTC')}
  AND timestamp < {p1:DateTime64(3, 'UTC')}) AS value, sum(value) OVER () AS total, count() OVER () AS groups, quantileExactInclusiveIf(0.95)(`numeric_props`.`latency_ms`::Nullable(Float64), timestamp >= {p2:DateTime64(3, 'UTC')}
  AND timestamp < {p3:DateTime64(3, 'UTC')}) AS second_value, countIf(timestamp >= {p4:DateTime64(3, 'UTC')}
  AND timestamp < {p5:DateTime64(3, 'UTC')}) AS previous_value
FROM `emban`.`events`
WHERE org_id = {p6:String}
  AND environment = {p7:String}
  AND tenant_id = {p8:String}
  AND event_name = {p9:String}
  AND (timestamp >= {p10:DateTime64(3, 'UTC')}
  AND timestamp < {p11:DateTime64(3, 'UTC')} OR timestamp >= {p12:DateTime64(3, 'UTC')}
  AND timestamp < {p13:DateTime64(3, 'UTC')})
GROUP BY dimension
HAVING countIf(timestamp >= {p14:DateTime64(3, 'UTC')}
  AND timestamp < {p15:DateTime64(3, 'UTC')}) > 0
ORDER BY value DESC NULLS LAST, dimension ASC
LIMIT {p16:Int64}
--   p0 DateTime64(3, 'UTC') = 2026-11-14 00:00:00
--   p1 DateTime64(3, 'UTC') = 2026-11-21 00:00:00
--   p2 DateTime64(3, 'UTC') = 2026-11-14 00:00:00
--   p3 DateTime64(3, 'UTC') = 2026-11-21 00:00:00
--   p4 DateTime64(3, 'UTC') = 2026-11-07 00:00:00
--   p5 DateTime64(3, 'UTC') = 2026-11-13 14:24:00
--   p6 String = org_1
--   p7 String = production
--   p8 String = acme
--   p9 String = api.call
--   p10 DateTime64(3, 'UTC') = 2026-11-14 00:00:00
--   p11 DateTime64(3, 'UTC') = 2026-11-21 00:00:00
--   p12 DateTime64(3, 'UTC') = 2026-11-07 00:00:00
--   p13 DateTime64(3, 'UTC') = 2026-11-13 14:24:00
--   p14 DateTime64(3, 'UTC') = 2026-11-14 00:00:00
--   p15 DateTime64(3, 'UTC') = 2026-11-21 00:00:00
--   p16 Int64 = 10

-- result, bounded
SELECT ifNull(`string_props`.`model`.:String, '') AS dimension, countIf(timestamp >= {p0:DateTime64(3, 'UTC')}
  AND timestamp < {p1:DateTime64(3, 'UTC')}) AS value, sum(value) OVER () AS total, count() OVER () AS groups, quantileBFloat16If(0.95)(`numeric_props`.`latency_ms`::Nullable(Float64), timestamp >= {p2:DateTime64(3, 'UTC')}
  AND timestamp < {p3:DateTime64(3, 'UTC')}) AS second_value, countIf(timestamp >= {p4:DateTime64(3, 'UTC')}
  AND timestamp < {p5:DateTime64(3, 'UTC')}) AS previous_value
FROM `emban`.`events`
WHERE org_id = {p6:String}
  AND environment = {p7:String}
  AND tenant_id = {p8:String}
  AND event_name = {p9:String}
  AND (timestamp >= {p10:DateTime64(3, 'UTC')}
  AND timestamp < {p11:DateTime64(3, 'UTC')} OR timestamp >= {p12:DateTime64(3, 'UTC')}
  AND timestamp < {p13:DateTime64(3, 'UTC')})
GROUP BY dimension
HAVING countIf(timestamp >= {p14:DateTime64(3, 'UTC')}
  AND timestamp < {p15:DateTime64(3, 'UTC')}) > 0
ORDER BY value DESC NULLS LAST, dimension ASC
LIMIT {p16:Int64}
--   p0 DateTime64(3, 'UTC') = 2026-11-14 00:00:00
--   p1 DateTime64(3, 'UTC') = 2026-11-21 00:00:00
--   p2 DateTime64(3, 'UTC') = 2026-11-14 00:00:00
--   p3 DateTime64(3, 'UTC') = 2026-11-21 00:00:00
--   p4 DateTime64(3, 'UTC') = 2026-11-07 00:00:00
--   p5 DateTime64(3, 'UTC') = 2026-11-13 14:24:00
--   p6 String = org_1
--   p7 String = production
--   p8 String = acme
--   p9 String = api.call
--   p10 DateTime64(3, 'UTC') = 2026-11-14 00:00:00
--   p11 DateTime64(3, 'UTC') = 2026-11-21 00:00:00
--   p12 DateTime64(3, 'UTC') = 2026-11-07 00:00:00
--   p13 DateTime64(3, 'UTC') = 2026-11-13 14:24:00
--   p14 DateTime64(3, 'UTC') = 2026-11-14 00:00:00
--   p15 DateTime64(3, 'UTC') = 2026-11-21 00:00:00
--   p16 Int64 = 10
