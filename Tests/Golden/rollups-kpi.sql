SELECT sum(m0_s) / nullIf(sum(m0_n), 0) AS value
FROM (SELECT bucket AS timestamp, event_name, '' AS property, if(measure = '', rollups.n, 0) AS n, if(measure = {p0:String}, rollups.n, 0) AS m0_n, if(measure = {p1:String}, s, 0.) AS m0_s, if(measure = {p2:String}, mn, NULL) AS m0_min, if(measure = {p3:String}, mx, NULL) AS m0_max
FROM `emban`.`rollups` AS rollups
WHERE org_id = {p4:String}
  AND environment = {p5:String}
  AND tenant_id = {p6:String}
  AND width = 'day'
  AND dimension = {p7:String}
  AND measure IN {p8:Array(String)}
  AND event_name = {p9:String}
  AND bucket >= toDateTime({p10:DateTime64(3, 'UTC')})
  AND bucket < toDateTime({p11:DateTime64(3, 'UTC')})
  AND (toInt32(toDate32(bucket)), build) IN ((20768, 1000), (20769, 1001), (20771, 1003), (20772, 1004), (20773, 1005), (20774, 1006), (20775, 1007), (20776, 1008))
UNION ALL SELECT start AS timestamp, event_name, property, count() AS n, count(m0_number) AS m0_n, ifNull(sum(m0_number), 0.) AS m0_s, min(m0_number) AS m0_min, max(m0_number) AS m0_max
FROM (SELECT toStartOfInterval(timestamp, INTERVAL 30 MINUTE) AS start, event_name, '' AS property, `numeric_props`.`latency_ms`::Nullable(Float64) AS m0_number
FROM `emban`.`events`
WHERE org_id = {p12:String}
  AND environment = {p13:String}
  AND tenant_id = {p14:String}
  AND event_name = {p15:String}
  AND (timestamp >= {p16:DateTime64(3, 'UTC')}
  AND timestamp < {p17:DateTime64(3, 'UTC')} OR timestamp >= {p18:DateTime64(3, 'UTC')}
  AND timestamp < {p19:DateTime64(3, 'UTC')}))
GROUP BY start, event_name, property)
--   p0 String = latency_ms
--   p1 String = latency_ms
--   p2 String = latency_ms
--   p3 String = latency_ms
--   p4 String = org_1
--   p5 String = production
--   p6 String = acme
--   p7 String = 
--   p8 Array(String) = ['','latency_ms']
--   p9 String = api.call
--   p10 DateTime64(3, 'UTC') = 2026-11-11 00:00:00
--   p11 DateTime64(3, 'UTC') = 2026-11-20 00:00:00
--   p12 String = org_1
--   p13 String = production
--   p14 String = acme
--   p15 String = api.call
--   p16 DateTime64(3, 'UTC') = 2026-11-13 00:00:00
--   p17 DateTime64(3, 'UTC') = 2026-11-14 00:00:00
--   p18 DateTime64(3, 'UTC') = 2026-11-20 00:00:00
--   p19 DateTime64(3, 'UTC') = 2026-11-21 00:00:00
