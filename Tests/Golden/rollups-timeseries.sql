SELECT {p0:Int64} AS is_current, toInt64(toStartOfWeek(timestamp, 1, {p1:String})) AS bucket, sum(m0_s) AS value
FROM (SELECT bucket AS timestamp, event_name, '' AS property, if(measure = '', rollups.n, 0) AS n, if(measure = {p2:String}, rollups.n, 0) AS m0_n, if(measure = {p3:String}, s, 0.) AS m0_s, if(measure = {p4:String}, mn, NULL) AS m0_min, if(measure = {p5:String}, mx, NULL) AS m0_max
FROM `emban`.`rollups` AS rollups
WHERE org_id = {p6:String}
  AND environment = {p7:String}
  AND tenant_id = {p8:String}
  AND width = 'day'
  AND dimension = {p9:String}
  AND measure IN {p10:Array(String)}
  AND ((build = 1001
  AND bucket >= toDateTime(1794441600)
  AND bucket < toDateTime(1794528000)) OR (build = 1003
  AND bucket >= toDateTime(1794614400)
  AND bucket < toDateTime(1794700800)) OR (build = 1004
  AND bucket >= toDateTime(1794700800)
  AND bucket < toDateTime(1794787200)) OR (build = 1006
  AND bucket >= toDateTime(1794873600)
  AND bucket < toDateTime(1794960000)) OR (build = 1007
  AND bucket >= toDateTime(1794960000)
  AND bucket < toDateTime(1795046400)) OR (build = 1008
  AND bucket >= toDateTime(1795046400)
  AND bucket < toDateTime(1795132800)))
UNION ALL SELECT bucket AS timestamp, event_name, '' AS property, if(measure = '', rollups.n, 0) AS n, if(measure = {p11:String}, rollups.n, 0) AS m0_n, if(measure = {p12:String}, s, 0.) AS m0_s, if(measure = {p13:String}, mn, NULL) AS m0_min, if(measure = {p14:String}, mx, NULL) AS m0_max
FROM `emban`.`rollups` AS rollups
WHERE org_id = {p15:String}
  AND environment = {p16:String}
  AND tenant_id = {p17:String}
  AND width = 'half_hour'
  AND dimension = {p18:String}
  AND measure IN {p19:Array(String)}
  AND ((build = 1000
  AND bucket >= toDateTime(1794355200)
  AND bucket < toDateTime(1794441600)) OR (build = 1005
  AND bucket >= toDateTime(1794787200)
  AND bucket < toDateTime(1794873600)))
  AND bucket >= {p20:DateTime64(3, 'UTC')}
  AND bucket < {p21:DateTime64(3, 'UTC')}
UNION ALL SELECT start AS timestamp, event_name, property, count() AS n, count(m0_number) AS m0_n, ifNull(sum(m0_number), 0.) AS m0_s, min(m0_number) AS m0_min, max(m0_number) AS m0_max
FROM (SELECT toStartOfInterval(timestamp, INTERVAL 30 MINUTE) AS start, event_name, '' AS property, `numeric_props`.`tokens`::Nullable(Float64) AS m0_number
FROM `emban`.`events`
WHERE org_id = {p22:String}
  AND environment = {p23:String}
  AND tenant_id = {p24:String}
  AND (timestamp >= {p25:DateTime64(3, 'UTC')}
  AND timestamp < {p26:DateTime64(3, 'UTC')} OR timestamp >= {p27:DateTime64(3, 'UTC')}
  AND timestamp < {p28:DateTime64(3, 'UTC')}))
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
--   p11 String = tokens
--   p12 String = tokens
--   p13 String = tokens
--   p14 String = tokens
--   p15 String = org_1
--   p16 String = production
--   p17 String = acme
--   p18 String = 
--   p19 Array(String) = ['','tokens']
--   p20 DateTime64(3, 'UTC') = 2026-11-11 05:00:00
--   p21 DateTime64(3, 'UTC') = 2026-11-21 05:00:00
--   p22 String = org_1
--   p23 String = production
--   p24 String = acme
--   p25 DateTime64(3, 'UTC') = 2026-11-13 00:00:00
--   p26 DateTime64(3, 'UTC') = 2026-11-14 00:00:00
--   p27 DateTime64(3, 'UTC') = 2026-11-20 00:00:00
--   p28 DateTime64(3, 'UTC') = 2026-11-21 05:00:00
