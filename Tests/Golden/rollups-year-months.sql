SELECT {p0:Int64} AS is_current, toInt64(toStartOfMonth(timestamp, {p1:String})) AS bucket, uniqCombined64Merge(17)(users) AS value
FROM (SELECT bucket AS timestamp, event_name, '' AS property, if(measure = '', rollups.n, 0) AS n, users
FROM `emban`.`rollups` AS rollups
WHERE org_id = {p2:String}
  AND environment = {p3:String}
  AND tenant_id = {p4:String}
  AND width = 'month'
  AND dimension = {p5:String}
  AND measure IN {p6:Array(String)}
  AND ((build = 8
  AND bucket >= toDateTime(1769904000)
  AND bucket < toDateTime(1780272000)) OR (build = 9
  AND bucket >= toDateTime(1782864000)
  AND bucket < toDateTime(1793491200)))
UNION ALL SELECT bucket AS timestamp, event_name, '' AS property, if(measure = '', rollups.n, 0) AS n, users
FROM `emban`.`rollups` AS rollups
WHERE org_id = {p7:String}
  AND environment = {p8:String}
  AND tenant_id = {p9:String}
  AND width = 'day'
  AND dimension = {p10:String}
  AND measure IN {p11:Array(String)}
  AND ((build = 7
  AND bucket >= toDateTime(1780272000)
  AND bucket < toDateTime(1781913600)) OR (build = 7
  AND bucket >= toDateTime(1782000000)
  AND bucket < toDateTime(1782864000)) OR (build = 7
  AND bucket >= toDateTime(1793491200)
  AND bucket < toDateTime(1794355200)))
UNION ALL SELECT start AS timestamp, event_name, property, count() AS n, uniqCombined64StateIf(17)(user_id, user_id != '') AS users
FROM (SELECT toStartOfInterval(timestamp, INTERVAL 30 MINUTE) AS start, event_name, '' AS property, user_id
FROM `emban`.`events`
WHERE org_id = {p12:String}
  AND environment = {p13:String}
  AND tenant_id = {p14:String}
  AND (timestamp >= {p15:DateTime64(3, 'UTC')}
  AND timestamp < {p16:DateTime64(3, 'UTC')} OR timestamp >= {p17:DateTime64(3, 'UTC')}
  AND timestamp < {p18:DateTime64(3, 'UTC')}))
GROUP BY start, event_name, property)
GROUP BY is_current, bucket
ORDER BY is_current, bucket
--   p0 Int64 = 1
--   p1 String = UTC
--   p2 String = org_1
--   p3 String = production
--   p4 String = acme
--   p5 String = 
--   p6 Array(String) = ['']
--   p7 String = org_1
--   p8 String = production
--   p9 String = acme
--   p10 String = 
--   p11 Array(String) = ['']
--   p12 String = org_1
--   p13 String = production
--   p14 String = acme
--   p15 DateTime64(3, 'UTC') = 2026-01-20 00:00:00
--   p16 DateTime64(3, 'UTC') = 2026-02-01 00:00:00
--   p17 DateTime64(3, 'UTC') = 2026-06-20 00:00:00
--   p18 DateTime64(3, 'UTC') = 2026-06-21 00:00:00
