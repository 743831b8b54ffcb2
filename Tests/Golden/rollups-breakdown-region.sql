SELECT property AS dimension, uniqMerge(users) AS value, NULL AS total, count() OVER () AS groups
FROM (SELECT bucket AS timestamp, event_name, value AS property, if(measure = '', rollups.n, 0) AS n, users
FROM `emban`.`rollups` AS rollups
WHERE org_id = {p0:String}
  AND environment = {p1:String}
  AND tenant_id = {p2:String}
  AND width = 'day'
  AND dimension = {p3:String}
  AND measure IN {p4:Array(String)}
  AND bucket >= toDateTime({p5:DateTime64(3, 'UTC')})
  AND bucket < toDateTime({p6:DateTime64(3, 'UTC')})
  AND (toInt32(toDate32(bucket)), build) IN ((20768, 1000), (20771, 1003), (20772, 1004), (20773, 1005), (20774, 1006), (20775, 1007), (20776, 1008))
  AND event_name = {p7:String}
UNION ALL SELECT bucket AS timestamp, event_name, '' AS property, if(measure = '', rollups.n, 0) AS n, users
FROM `emban`.`rollups` AS rollups
WHERE org_id = {p8:String}
  AND environment = {p9:String}
  AND tenant_id = {p10:String}
  AND width = 'day'
  AND dimension = {p11:String}
  AND measure IN {p12:Array(String)}
  AND bucket >= toDateTime({p13:DateTime64(3, 'UTC')})
  AND bucket < toDateTime({p14:DateTime64(3, 'UTC')})
  AND (toInt32(toDate32(bucket)), build) IN ((20769, 1001))
  AND event_name = {p15:String}
UNION ALL SELECT start AS timestamp, event_name, property, count() AS n, uniqStateIf(user_id, user_id != '') AS users
FROM (SELECT toStartOfInterval(timestamp, INTERVAL 30 MINUTE) AS start, event_name, ifNull(`string_props`.`region`.:String, '') AS property, user_id
FROM `emban`.`events`
WHERE org_id = {p16:String}
  AND environment = {p17:String}
  AND tenant_id = {p18:String}
  AND event_name = {p19:String}
  AND (timestamp >= {p20:DateTime64(3, 'UTC')}
  AND timestamp < {p21:DateTime64(3, 'UTC')} OR timestamp >= {p22:DateTime64(3, 'UTC')}
  AND timestamp < {p23:DateTime64(3, 'UTC')}))
GROUP BY start, event_name, property)
GROUP BY dimension
ORDER BY value DESC NULLS LAST, dimension ASC
LIMIT {p24:Int64}
--   p0 String = org_1
--   p1 String = production
--   p2 String = acme
--   p3 String = region
--   p4 Array(String) = ['']
--   p5 DateTime64(3, 'UTC') = 2026-11-11 00:00:00
--   p6 DateTime64(3, 'UTC') = 2026-11-20 00:00:00
--   p7 String = login
--   p8 String = org_1
--   p9 String = production
--   p10 String = acme
--   p11 String = 
--   p12 Array(String) = ['']
--   p13 DateTime64(3, 'UTC') = 2026-11-12 00:00:00
--   p14 DateTime64(3, 'UTC') = 2026-11-13 00:00:00
--   p15 String = login
--   p16 String = org_1
--   p17 String = production
--   p18 String = acme
--   p19 String = login
--   p20 DateTime64(3, 'UTC') = 2026-11-13 00:00:00
--   p21 DateTime64(3, 'UTC') = 2026-11-14 00:00:00
--   p22 DateTime64(3, 'UTC') = 2026-11-20 00:00:00
--   p23 DateTime64(3, 'UTC') = 2026-11-21 00:00:00
--   p24 Int64 = 10
