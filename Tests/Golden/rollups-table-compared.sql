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
  AND bucket >= toDateTime({p9:DateTime64(3, 'UTC')})
  AND bucket < toDateTime({p10:DateTime64(3, 'UTC')})
  AND (toInt32(toDate32(bucket)), build) IN ((20768, 1000), (20769, 1001), (20771, 1003), (20772, 1004), (20773, 1005), (20774, 1006))
  AND NOT (value = {p11:String})
UNION ALL SELECT start AS timestamp, event_name, property, count() AS n
FROM (SELECT toStartOfInterval(timestamp, INTERVAL 30 MINUTE) AS start, event_name, ifNull(`string_props`.`model`.:String, '') AS property
FROM `emban`.`events`
WHERE org_id = {p12:String}
  AND environment = {p13:String}
  AND tenant_id = {p14:String}
  AND NOT (ifNull(`string_props`.`model`.:String, '') = {p15:String})
  AND (timestamp >= {p16:DateTime64(3, 'UTC')}
  AND timestamp < {p17:DateTime64(3, 'UTC')} OR timestamp >= {p18:DateTime64(3, 'UTC')}
  AND timestamp < {p19:DateTime64(3, 'UTC')}))
GROUP BY start, event_name, property)
GROUP BY dimension
HAVING sumIf(n, timestamp >= {p20:DateTime64(3, 'UTC')}
  AND timestamp < {p21:DateTime64(3, 'UTC')}) > 0
ORDER BY value DESC NULLS LAST, dimension ASC
LIMIT {p22:Int64}
--   p0 DateTime64(3, 'UTC') = 2026-11-14 00:00:00
--   p1 DateTime64(3, 'UTC') = 2026-11-18 00:00:00
--   p2 DateTime64(3, 'UTC') = 2026-11-10 00:00:00
--   p3 DateTime64(3, 'UTC') = 2026-11-14 00:00:00
--   p4 String = org_1
--   p5 String = production
--   p6 String = acme
--   p7 String = model
--   p8 Array(String) = ['']
--   p9 DateTime64(3, 'UTC') = 2026-11-11 00:00:00
--   p10 DateTime64(3, 'UTC') = 2026-11-18 00:00:00
--   p11 String = gpt-4
--   p12 String = org_1
--   p13 String = production
--   p14 String = acme
--   p15 String = gpt-4
--   p16 DateTime64(3, 'UTC') = 2026-11-10 00:00:00
--   p17 DateTime64(3, 'UTC') = 2026-11-11 00:00:00
--   p18 DateTime64(3, 'UTC') = 2026-11-13 00:00:00
--   p19 DateTime64(3, 'UTC') = 2026-11-14 00:00:00
--   p20 DateTime64(3, 'UTC') = 2026-11-14 00:00:00
--   p21 DateTime64(3, 'UTC') = 2026-11-18 00:00:00
--   p22 Int64 = 50
