-- overview
SELECT event_name, count() AS events, toUnixTimestamp64Milli(min(timestamp)), toUnixTimestamp64Milli(max(timestamp)), uniq(tenant_id), arrayReverseSort(groupArraySample(5000, 1)(toUnixTimestamp64Milli(timestamp)))[greatest(1, toInt64(ceil({p0:Float64} / count())))] AS recent
FROM `emban`.`events`
WHERE org_id = {p1:String}
  AND environment = {p2:String}
GROUP BY event_name
ORDER BY events DESC, event_name ASC
LIMIT {p3:Int64}
--   p0 Float64 = 150000000.0
--   p1 String = org_1
--   p2 String = production
--   p3 Int64 = 50

-- rows
SELECT event_name, count(), countIf(user_id != '')
FROM (SELECT event_name, user_id, string_props, numeric_props
FROM `emban`.`events`
WHERE org_id = {p0:String}
  AND environment = {p1:String}
  AND ((event_name = {p2:String}
  AND timestamp >= {p3:DateTime64(3, 'UTC')}) OR (event_name = {p4:String}
  AND timestamp >= {p5:DateTime64(3, 'UTC')}))
LIMIT {p6:Int64} BY event_name)
GROUP BY event_name
--   p0 String = org_1
--   p1 String = production
--   p2 String = api.call
--   p3 DateTime64(3, 'UTC') = 2026-09-21 14:13:20
--   p4 String = it\'s
--   p5 DateTime64(3, 'UTC') = 1970-01-01 00:00:00
--   p6 Int64 = 20000

-- dimensions
SELECT event_name, key, sum(n) AS events, count() AS cardinality, arraySlice(arraySort(v -> (-toInt64(v.2), v.1), groupArray((value, n))), 1, {p0:Int64}) AS top
FROM (SELECT event_name, property.1 AS key, property.2 AS value, count() AS n
FROM (SELECT event_name, user_id, string_props, numeric_props
FROM `emban`.`events`
WHERE org_id = {p1:String}
  AND environment = {p2:String}
  AND ((event_name = {p3:String}
  AND timestamp >= {p4:DateTime64(3, 'UTC')}) OR (event_name = {p5:String}
  AND timestamp >= {p6:DateTime64(3, 'UTC')}))
LIMIT {p7:Int64} BY event_name)
ARRAY JOIN JSONExtractKeysAndValues(toJSONString(string_props), 'String') AS property
GROUP BY event_name, key, value)
GROUP BY event_name, key
ORDER BY event_name, events DESC, key
LIMIT {p8:Int64} BY event_name
--   p0 Int64 = 10
--   p1 String = org_1
--   p2 String = production
--   p3 String = api.call
--   p4 DateTime64(3, 'UTC') = 2026-09-21 14:13:20
--   p5 String = it\'s
--   p6 DateTime64(3, 'UTC') = 1970-01-01 00:00:00
--   p7 Int64 = 20000
--   p8 Int64 = 50

-- measures
SELECT event_name, property.1 AS key, count() AS events, min(property.2), max(property.2), avg(property.2), quantileExactInclusive(0.5)(property.2), quantileExactInclusive(0.95)(property.2)
FROM (SELECT event_name, user_id, string_props, numeric_props
FROM `emban`.`events`
WHERE org_id = {p0:String}
  AND environment = {p1:String}
  AND ((event_name = {p2:String}
  AND timestamp >= {p3:DateTime64(3, 'UTC')}) OR (event_name = {p4:String}
  AND timestamp >= {p5:DateTime64(3, 'UTC')}))
LIMIT {p6:Int64} BY event_name)
ARRAY JOIN JSONExtractKeysAndValues(toJSONString(numeric_props), 'Float64') AS property
GROUP BY event_name, key
ORDER BY event_name, events DESC, key
LIMIT {p7:Int64} BY event_name
--   p0 String = org_1
--   p1 String = production
--   p2 String = api.call
--   p3 DateTime64(3, 'UTC') = 2026-09-21 14:13:20
--   p4 String = it\'s
--   p5 DateTime64(3, 'UTC') = 1970-01-01 00:00:00
--   p6 Int64 = 20000
--   p7 Int64 = 50
