SELECT {p0:Int64} AS is_current, toInt64(toStartOfWeek(timestamp, 1, {p1:String})) AS bucket, sum(m0_s) AS value
FROM (SELECT bucket AS timestamp, event_name, '' AS property, if(measure = '', rollups.n, 0) AS n, if(measure = {p2:String}, rollups.n, 0) AS m0_n, if(measure = {p3:String}, s, 0.) AS m0_s, if(measure = {p4:String}, mn, NULL) AS m0_min, if(measure = {p5:String}, mx, NULL) AS m0_max
FROM `emban`.`rollups` AS rollups
WHERE org_id = {p6:String}
  AND environment = {p7:String}
  AND tenant_id = {p8:String}
  AND width = 'day'
  AND dimension = {p9:String}
  AND measure IN {p10:Array(String)}
  AND bucket >= toDateTime({p11:DateTime64(3, 'UTC')})
  AND bucket < toDateTime({p12:DateTime64(3, 'UTC')})
  AND (toInt32(toDate32(bucket)), build) IN ((20769, 1001), (20771, 1003), (20772, 1004), (20774, 1006), (20775, 1007), (20776, 1008))
UNION ALL SELECT bucket AS timestamp, event_name, '' AS property, if(measure = '', rollups.n, 0) AS n, if(measure = {p13:String}, rollups.n, 0) AS m0_n, if(measure = {p14:String}, s, 0.) AS m0_s, if(measure = {p15:String}, mn, NULL) AS m0_min, if(measure = {p16:String}, mx, NULL) AS m0_max
FROM `emban`.`rollups` AS rollups
WHERE org_id = {p17:String}
  AND environment = {p18:String}
  AND tenant_id = {p19:String}
  AND width = 'half_hour'
  AND dimension = {p20:String}
  AND measure IN {p21:Array(String)}
  AND bucket >= toDateTime({p22:DateTime64(3, 'UTC')})
  AND bucket < toDateTime({p23:DateTime64(3, 'UTC')})
  AND (toInt32(toDate32(bucket)), build) IN ((20768, 1000), (20773, 1005))
  AND bucket >= {p24:DateTime64(3, 'UTC')}
  AND bucket < {p25:DateTime64(3, 'UTC')}
UNION ALL SELECT start AS timestamp, event_name, property, count() AS n, count(m0_number) AS m0_n, ifNull(sum(m0_number), 0.) AS m0_s, min(m0_number) AS m0_min, max(m0_number) AS m0_max
FROM (SELECT toStartOfInterval(timestamp, INTERVAL 30 MINUTE) AS start, event_name, '' AS property, `numeric_props`.`tokens`::Nullable(Float64) AS m0_number
FROM `emban`.`events`
WHERE org_id = {p26:String}
  AND environment = {p27:String}
  AND tenant_id = {p28:String}
  AND (timestamp >= {p29:DateTime64(3, 'UTC')}
  AND timestamp < {p30:DateTime64(3, 'UTC')} OR timestamp >= {p31:DateTime64(3, 'UTC')}
  AND timestamp < {p32:DateTime64(3, 'UTC')}))
GROUP BY start, event_name, property)
GROUP BY is_current, bucket
ORDER BY is_current, bucket
--   p0 Int64 = 1
--   p1 String = America/New_York
--   p2 String = tokens
--   p3 String = tokens
--   p4 String = tokens
--   p5 String = tokens
--   p6 String = org_1
--   p7 String = production
--   p8 String = acme
--   p9 String = 
--   p10 Array(String) = ['','tokens']
--   p11 DateTime64(3, 'UTC') = 2026-11-12 00:00:00
--   p12 DateTime64(3, 'UTC') = 2026-11-20 00:00:00
--   p13 String = tokens
--   p14 String = tokens
--   p15 String = tokens
--   p16 String = tokens
--   p17 String = org_1
--   p18 String = production
--   p19 String = acme
--   p20 String = 
--   p21 Array(String) = ['','tokens']
--   p22 DateTime64(3, 'UTC') = 2026-11-11 00:00:00
--   p23 DateTime64(3, 'UTC') = 2026-11-17 00:00:00
--   p24 DateTime64(3, 'UTC') = 2026-11-11 05:00:00
--   p25 DateTime64(3, 'UTC') = 2026-11-21 05:00:00
--   p26 String = org_1
--   p27 String = production
--   p28 String = acme
--   p29 DateTime64(3, 'UTC') = 2026-11-13 00:00:00
--   p30 DateTime64(3, 'UTC') = 2026-11-14 00:00:00
--   p31 DateTime64(3, 'UTC') = 2026-11-20 00:00:00
--   p32 DateTime64(3, 'UTC') = 2026-11-21 05:00:00
