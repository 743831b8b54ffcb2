-- result
SELECT user_id AS dimension, ifNull(sumIf(`numeric_props`.`tokens`::Nullable(Float64), timestamp >= {p0:DateTime64(3, 'UTC')}
  AND timestamp < {p1:DateTime64(3, 'UTC')}), 0) AS value, sum(value) OVER () AS total, count() OVER () AS groups, ifNull(sumIf(`numeric_props`.`tokens`::Nullable(Float64), timestamp >= {p2:DateTime64(3, 'UTC')}
  AND timestamp < {p3:DateTime64(3, 'UTC')}), 0) AS previous_value
FROM `emban`.`events`
WHERE org_id = {p4:String}
  AND environment = {p5:String}
  AND tenant_id = {p6:String}
  AND event_name = {p7:String}
  AND (timestamp >= {p8:DateTime64(3, 'UTC')}
  AND timestamp < {p9:DateTime64(3, 'UTC')} OR timestamp >= {p10:DateTime64(3, 'UTC')}
  AND timestamp < {p11:DateTime64(3, 'UTC')})
GROUP BY dimension
HAVING countIf(timestamp >= {p12:DateTime64(3, 'UTC')}
  AND timestamp < {p13:DateTime64(3, 'UTC')}) > 0
ORDER BY value DESC NULLS LAST, dimension ASC
LIMIT {p14:Int64}
--   p0 DateTime64(3, 'UTC') = 2026-10-22 00:00:00
--   p1 DateTime64(3, 'UTC') = 2026-11-21 00:00:00
--   p2 DateTime64(3, 'UTC') = 2026-09-22 00:00:00
--   p3 DateTime64(3, 'UTC') = 2026-10-21 14:24:00
--   p4 String = org_1
--   p5 String = production
--   p6 String = acme
--   p7 String = api.call
--   p8 DateTime64(3, 'UTC') = 2026-10-22 00:00:00
--   p9 DateTime64(3, 'UTC') = 2026-11-21 00:00:00
--   p10 DateTime64(3, 'UTC') = 2026-09-22 00:00:00
--   p11 DateTime64(3, 'UTC') = 2026-10-21 14:24:00
--   p12 DateTime64(3, 'UTC') = 2026-10-22 00:00:00
--   p13 DateTime64(3, 'UTC') = 2026-11-21 00:00:00
--   p14 Int64 = 50
