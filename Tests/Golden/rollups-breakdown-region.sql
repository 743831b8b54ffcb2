SELECT property AS dimension, uniqCombined64Merge(17)(users) AS value, NULL AS total, count() OVER () AS groups
FROM (SELECT bucket AS timestamp, event_name, value AS property, if(measure = '', rollups.n, 0) AS n, users
FROM `emban`.`rollups` AS rollups
WHERE org_id = {p0:String}
  AND environment = {p1:String}
  AND tenant_id = {p2:String}
  AND width = 'day'
  AND dimension = {p3:String}
  AND measure IN {p4:Array(String)}
  AND ((build = 1000
  AND bucket >= toDateTime(1794355200)
  AND bucket < toDateTime(1794441600)) OR (build = 1003
  AND bucket >= toDateTime(1794614400)
  AND bucket < toDateTime(1794700800)) OR (build = 1004
  AND bucket >= toDateTime(1794700800)
  AND bucket < toDateTime(1794787200)) OR (build = 1005
  AND bucket >= toDateTime(1794787200)
  AND bucket < toDateTime(1794873600)) OR (build = 1006
  AND bucket >= toDateTime(1794873600)
  AND bucket < toDateTime(1794960000)) OR (build = 1007
  AND bucket >= toDateTime(1794960000)
  AND bucket < toDateTime(1795046400)) OR (build = 1008
  AND bucket >= toDateTime(1795046400)
  AND bucket < toDateTime(1795132800)))
  AND event_name = {p5:String}
UNION ALL SELECT bucket AS timestamp, event_name, '' AS property, if(measure = '', rollups.n, 0) AS n, users
FROM `emban`.`rollups` AS rollups
WHERE org_id = {p6:String}
  AND environment = {p7:String}
  AND tenant_id = {p8:String}
  AND width = 'day'
  AND dimension = {p9:String}
  AND measure IN {p10:Array(String)}
  AND ((build = 1001
  AND bucket >= toDateTime(1794441600)
  AND bucket < toDateTime(1794528000)))
  AND event_name = {p11:String}
UNION ALL SELECT start AS timestamp, event_name, property, count() AS n, uniqCombined64StateIf(17)(user_id, user_id != '') AS users
FROM (SELECT toStartOfInterval(timestamp, INTERVAL 30 MINUTE) AS start, event_name, ifNull(`string_props`.`region`.:String, '') AS property, user_id
FROM `emban`.`events`
WHERE org_id = {p12:String}
  AND environment = {p13:String}
  AND tenant_id = {p14:String}
  AND event_name = {p15:String}
  AND (timestamp >= {p16:DateTime64(3, 'UTC')}
  AND timestamp < {p17:DateTime64(3, 'UTC')} OR timestamp >= {p18:DateTime64(3, 'UTC')}
  AND timestamp < {p19:DateTime64(3, 'UTC')}))
GROUP BY start, event_name, property)
GROUP BY dimension
ORDER BY value DESC NULLS LAST, dimension ASC
LIMIT {p20:Int64}
--   p0 String = org_1
--   p1 String = production
--   p2 String = acme
--   p3 String = region
--   p4 Array(String) = ['']
--   p5 String = login
--   p6 String = org_1
--   p7 String = production
--   p8 String = acme
--   p9 String = 
--   p10 Array(String) = ['']
--   p11 String = login
--   p12 String = org_1
--   p13 String = production
--   p14 String = acme
--   p15 String = login
--   p16 DateTime64(3, 'UTC') = 2026-11-13 00:00:00
--   p17 DateTime64(3, 'UTC') = 2026-11-14 00:00:00
--   p18 DateTime64(3, 'UTC') = 2026-11-20 00:00:00
--   p19 DateTime64(3, 'UTC') = 2026-11-21 00:00:00
--   p20 Int64 = 10
