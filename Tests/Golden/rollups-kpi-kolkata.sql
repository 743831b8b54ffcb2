SELECT quantileBFloat16Merge(0.95)(m0_states) AS value
FROM (SELECT bucket AS timestamp, event_name, '' AS property, if(measure = '', rollups.n, 0) AS n, if(measure = {p0:String}, rollups.n, 0) AS m0_n, if(measure = {p1:String}, s, 0.) AS m0_s, if(measure = {p2:String}, mn, NULL) AS m0_min, if(measure = {p3:String}, mx, NULL) AS m0_max, quantiles AS m0_states
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
  AND bucket < toDateTime(1794960000)) OR (build = 1007
  AND bucket >= toDateTime(1794960000)
  AND bucket < toDateTime(1795046400)) OR (build = 1008
  AND bucket >= toDateTime(1795046400)
  AND bucket < toDateTime(1795132800)))
UNION ALL SELECT start AS timestamp, event_name, property, count() AS n, count(m0_number) AS m0_n, ifNull(sum(m0_number), 0.) AS m0_s, min(m0_number) AS m0_min, max(m0_number) AS m0_max, quantileBFloat16StateIf(assumeNotNull(m0_number), isNotNull(m0_number)) AS m0_states
FROM (SELECT toStartOfInterval(timestamp, INTERVAL 30 MINUTE) AS start, event_name, '' AS property, `numeric_props`.`latency_ms`::Nullable(Float64) AS m0_number
FROM `emban`.`events`
WHERE org_id = {p9:String}
  AND environment = {p10:String}
  AND tenant_id = {p11:String}
  AND (timestamp >= {p12:DateTime64(3, 'UTC')}
  AND timestamp < {p13:DateTime64(3, 'UTC')} OR timestamp >= {p14:DateTime64(3, 'UTC')}
  AND timestamp < {p15:DateTime64(3, 'UTC')} OR timestamp >= {p16:DateTime64(3, 'UTC')}
  AND timestamp < {p17:DateTime64(3, 'UTC')}))
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
--   p9 String = org_1
--   p10 String = production
--   p11 String = acme
--   p12 DateTime64(3, 'UTC') = 2026-11-10 18:30:00
--   p13 DateTime64(3, 'UTC') = 2026-11-11 00:00:00
--   p14 DateTime64(3, 'UTC') = 2026-11-13 00:00:00
--   p15 DateTime64(3, 'UTC') = 2026-11-14 00:00:00
--   p16 DateTime64(3, 'UTC') = 2026-11-20 00:00:00
--   p17 DateTime64(3, 'UTC') = 2026-11-20 18:30:00
