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
LIMIT {p6:Int64})) AS found, arraySlice(found, 1, {p7:Int64})
AS top SELECT timestamp >= {p8:DateTime64(3, 'UTC')} AS is_current, toInt64(toDate(timestamp, {p9:String})) AS bucket, ifNull(sum(`numeric_props`.`tokens`::Nullable(Float64)), 0) AS value, arrayElement(top, series) AS dimension, transform(ifNull(`string_props`.`model`.:String, ''), top, range(1, length(top) + 1), 0) AS series, length(found) > length(top) AS truncated
FROM `emban`.`events`
WHERE org_id = {p10:String}
  AND environment = {p11:String}
  AND tenant_id = {p12:String}
  AND event_name = {p13:String}
  AND (timestamp >= {p14:DateTime64(3, 'UTC')}
  AND timestamp < {p15:DateTime64(3, 'UTC')} OR timestamp >= {p16:DateTime64(3, 'UTC')}
  AND timestamp < {p17:DateTime64(3, 'UTC')})
  AND transform(ifNull(`string_props`.`model`.:String, ''), top, range(1, length(top) + 1), 0) > 0
GROUP BY is_current, bucket, series
ORDER BY is_current, bucket, series
--   p0 String = org_1
--   p1 String = production
--   p2 String = acme
--   p3 String = api.call
--   p4 DateTime64(3, 'UTC') = 2026-11-14 00:00:00
--   p5 DateTime64(3, 'UTC') = 2026-11-21 00:00:00
--   p6 Int64 = 9
--   p7 Int64 = 8
--   p8 DateTime64(3, 'UTC') = 2026-11-14 00:00:00
--   p9 String = UTC
--   p10 String = org_1
--   p11 String = production
--   p12 String = acme
--   p13 String = api.call
--   p14 DateTime64(3, 'UTC') = 2026-11-14 00:00:00
--   p15 DateTime64(3, 'UTC') = 2026-11-21 00:00:00
--   p16 DateTime64(3, 'UTC') = 2026-11-07 00:00:00
--   p17 DateTime64(3, 'UTC') = 2026-11-13 14:24:00
