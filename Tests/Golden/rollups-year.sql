SELECT quantileBFloat16Merge(0.95)(m0_states) AS value
FROM (SELECT bucket AS timestamp, event_name, '' AS property, if(measure = '', rollups.n, 0) AS n, if(measure = {p0:String}, rollups.n, 0) AS m0_n, if(measure = {p1:String}, s, 0.) AS m0_s, if(measure = {p2:String}, mn, NULL) AS m0_min, if(measure = {p3:String}, mx, NULL) AS m0_max, quantiles AS m0_states
FROM `emban`.`rollups` AS rollups
WHERE org_id = {p4:String}
  AND environment = {p5:String}
  AND tenant_id = {p6:String}
  AND width = 'month'
  AND dimension = {p7:String}
  AND measure IN {p8:Array(String)}
  AND ((build = 8
  AND bucket >= toDateTime(1769904000)
  AND bucket < toDateTime(1780272000)) OR (build = 9
  AND bucket >= toDateTime(1782864000)
  AND bucket < toDateTime(1793491200)))
UNION ALL SELECT bucket AS timestamp, event_name, '' AS property, if(measure = '', rollups.n, 0) AS n, if(measure = {p9:String}, rollups.n, 0) AS m0_n, if(measure = {p10:String}, s, 0.) AS m0_s, if(measure = {p11:String}, mn, NULL) AS m0_min, if(measure = {p12:String}, mx, NULL) AS m0_max, quantiles AS m0_states
FROM `emban`.`rollups` AS rollups
WHERE org_id = {p13:String}
  AND environment = {p14:String}
  AND tenant_id = {p15:String}
  AND width = 'day'
  AND dimension = {p16:String}
  AND measure IN {p17:Array(String)}
  AND ((build = 7
  AND bucket >= toDateTime(1780272000)
  AND bucket < toDateTime(1781913600)) OR (build = 7
  AND bucket >= toDateTime(1782000000)
  AND bucket < toDateTime(1782864000)) OR (build = 7
  AND bucket >= toDateTime(1793491200)
  AND bucket < toDateTime(1794355200)))
UNION ALL SELECT start AS timestamp, event_name, property, count() AS n, count(m0_number) AS m0_n, ifNull(sum(m0_number), 0.) AS m0_s, min(m0_number) AS m0_min, max(m0_number) AS m0_max, quantileBFloat16StateIf(assumeNotNull(m0_number), isNotNull(m0_number)) AS m0_states
FROM (SELECT toStartOfInterval(timestamp, INTERVAL 30 MINUTE) AS start, event_name, '' AS property, `numeric_props`.`tokens`::Nullable(Float64) AS m0_number
FROM `emban`.`events`
WHERE org_id = {p18:String}
  AND environment = {p19:String}
  AND tenant_id = {p20:String}
  AND (timestamp >= {p21:DateTime64(3, 'UTC')}
  AND timestamp < {p22:DateTime64(3, 'UTC')} OR timestamp >= {p23:DateTime64(3, 'UTC')}
  AND timestamp < {p24:DateTime64(3, 'UTC')}))
GROUP BY start, event_name, property)
--   p0 String = tokens
--   p1 String = tokens
--   p2 String = tokens
--   p3 String = tokens
--   p4 String = org_1
--   p5 String = production
--   p6 String = acme
--   p7 String = 
--   p8 Array(String) = ['','tokens']
--   p9 String = tokens
--   p10 String = tokens
--   p11 String = tokens
--   p12 String = tokens
--   p13 String = org_1
--   p14 String = production
--   p15 String = acme
--   p16 String = 
--   p17 Array(String) = ['','tokens']
--   p18 String = org_1
--   p19 String = production
--   p20 String = acme
--   p21 DateTime64(3, 'UTC') = 2026-01-20 00:00:00
--   p22 DateTime64(3, 'UTC') = 2026-02-01 00:00:00
--   p23 DateTime64(3, 'UTC') = 2026-06-20 00:00:00
--   p24 DateTime64(3, 'UTC') = 2026-06-21 00:00:00
