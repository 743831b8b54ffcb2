-- result
WITH (SELECT groupArray(name)
FROM (SELECT ifNull(`string_props`.`model`.:String, '') AS name
FROM `emban`.`events`
WHERE org_id = {p0:String}
  AND environment = {p1:String}
  AND tenant_id = {p2:String}
  AND event_name = {p3:String}
  AND timestamp >= {p4:DateTime64(3, 'UTC')}
  AND timestamp < {p5:DateTime64(3, 'UTC')}
GROUP BY name
ORDER BY ifNull(sum(`numeric_props`.`tokens`::Nullable(Float64)), 0) DESC NULLS LAST, name ASC
LIMIT {p6:Int64}))
AS top SELECT timestamp >= {p7:DateTime64(3, 'UTC')} AS is_current, toInt64(toDate(timestamp, {p8:String})) AS bucket, ifNull(sum(`numeric_props`.`tokens`::Nullable(Float64)), 0) AS value, ifNull(`string_props`.`model`.:String, '') AS dimension, indexOf(top, dimension) AS series
FROM `emban`.`events`
WHERE org_id = {p9:String}
  AND environment = {p10:String}
  AND tenant_id = {p11:String}
  AND event_name = {p12:String}
  AND (timestamp >= {p13:DateTime64(3, 'UTC')}
  AND timestamp < {p14:DateTime64(3, 'UTC')} OR timestamp >= {p15:DateTime64(3, 'UTC')}
  AND timestamp < {p16:DateTime64(3, 'UTC')})
  AND has(top, ifNull(`string_props`.`model`.:String, ''))
GROUP BY is_current, bucket, dimension
ORDER BY is_current, bucket, series
--   p0 String = org_1
--   p1 String = production
--   p2 String = acme
--   p3 String = api.call
--   p4 DateTime64(3, 'UTC') = 2026-11-14 00:00:00
--   p5 DateTime64(3, 'UTC') = 2026-11-21 00:00:00
--   p6 Int64 = 8
--   p7 DateTime64(3, 'UTC') = 2026-11-14 00:00:00
--   p8 String = UTC
--   p9 String = org_1
--   p10 String = production
--   p11 String = acme
--   p12 String = api.call
--   p13 DateTime64(3, 'UTC') = 2026-11-14 00:00:00
--   p14 DateTime64(3, 'UTC') = 2026-11-21 00:00:00
--   p15 DateTime64(3, 'UTC') = 2026-11-07 00:00:00
--   p16 DateTime64(3, 'UTC') = 2026-11-13 14:24:00
