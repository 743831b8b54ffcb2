SELECT property AS dimension, sumIf(n, timestamp >= {p0:DateTime64(3, 'UTC')}
  AND timestamp < {p1:DateTime64(3, 'UTC')}) AS value, sum(value) OVER () AS total, count() OVER () AS groups, sumIf(n, timestamp >= {p2:DateTime64(3, 'UTC')}
  AND timestamp < {p3:DateTime64(3, 'UTC')}) AS previous_value
FROM (SELECT bucket AS timestamp, event_name, value AS property, if(measure = '', rollups.n, 0) AS n
FROM `emban`.`rollups` AS rollups
WHERE org_id = {p4:String}
  AND environment = {p5:String}
  AND tenant_id = {p6:String}
  AND width = 'day'
  AND dimension = {p7:String}
  AND measure IN {p8:Array(String)}
  AND ((build = 1000
  AND bucket >= toDateTime(1794355200)
  AND bucket < toDateTime(1794441600)) OR (build = 1001
  AND bucket >= toDateTime(1794441600)
  AND bucket < toDateTime(1794528000)) OR (build = 1003
  AND bucket >= toDateTime(1794614400)
  AND bucket < toDateTime(1794700800)) OR (build = 1004
  AND bucket >= toDateTime(1794700800)
  AND bucket < toDateTime(1794787200)) OR (build = 1005
  AND bucket >= toDateTime(1794787200)
  AND bucket < toDateTime(1794873600)) OR (build = 1006
  AND bucket >= toDateTime(1794873600)
  AND bucket < toDateTime(1794960000)))
  AND NOT (value = {p9:String})
UNION ALL SELECT start AS timestamp, event_name, property, count() AS n
FROM (SELECT toStartOfInterval(timestamp, INTERVAL 30 MINUTE) AS start, event_name, ifNull(`string_props`.`model`.:String, '') AS property
FROM `emban`.`events`
WHERE org_id = {p10:String}
  AND environment = {p11:String}
  AND tenant_id = {p12:String}
  AND NOT (ifNull(`string_props`.`model`.:String, '') = {p13:String})
  AND (timestamp >= {p14:DateTime64(3, 'UTC')}
  AND timestamp < {p15:DateTime64(3, 'UTC')} OR timestamp >= {p16:DateTime64(3, 'UTC')}
  AND timestamp < {p17:DateTime64(3, 'UTC')}))
GROUP BY start, event_name, property)
GROUP BY dimension
HAVING sumIf(n, timestamp >= {p18:DateTime64(3, 'UTC')}
  AND timestamp < {p19:DateTime64(3, 'UTC')}) > 0
ORDER BY value DESC NULLS LAST, dimension ASC
LIMIT {p20:Int64}
--   p0 DateTime64(3, 'UTC') = 2026-11-14 00:00:00
--   p1 DateTime64(3, 'UTC') = 2026-11-18 00:00:00
--   p2 DateTime64(3, 'UTC') = 2026-11-10 00:00:00
--   p3 DateTime64(3, 'UTC') = 2026-11-14 00:00:00
--   p4 String = org_1
--   p5 String = production
--   p6 String = acme
--   p7 String = model
--   p8 Array(String) = ['']
--   p9 String = gpt-4
--   p10 String = org_1
--   p11 String = production
--   p12 String = acme
--   p13 String = gpt-4
--   p14 DateTime64(3, 'UTC') = 2026-11-10 00:00:00
--   p15 DateTime64(3, 'UTC') = 2026-11-11 00:00:00
--   p16 DateTime64(3, 'UTC') = 2026-11-13 00:00:00
--   p17 DateTime64(3, 'UTC') = 2026-11-14 00:00:00
--   p18 DateTime64(3, 'UTC') = 2026-11-14 00:00:00
--   p19 DateTime64(3, 'UTC') = 2026-11-18 00:00:00
--   p20 Int64 = 50
