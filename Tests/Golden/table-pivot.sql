-- result
WITH (SELECT groupArray(name)
FROM (SELECT ifNull(`string_props`.`model`.:String, '') AS name
FROM `emban`.`events`
WHERE org_id = {p0:String}
  AND environment = {p1:String}
  AND tenant_id = {p2:String}
  AND event_name = {p3:String}
  AND timestamp >= {p4:DateTime64(3, 'UTC')}
  AND timestamp < {p5:DateTime64(3, 'UTC')}
GROUP BY name
ORDER BY quantileExactInclusive(0.9)(`numeric_props`.`latency_ms`::Nullable(Float64)) DESC NULLS LAST, name ASC
LIMIT {p6:Int64})) AS found_rows, (SELECT groupArray(name)
FROM (SELECT user_id AS name
FROM `emban`.`events`
WHERE org_id = {p7:String}
  AND environment = {p8:String}
  AND tenant_id = {p9:String}
  AND event_name = {p10:String}
  AND timestamp >= {p11:DateTime64(3, 'UTC')}
  AND timestamp < {p12:DateTime64(3, 'UTC')}
GROUP BY name
ORDER BY quantileExactInclusive(0.9)(`numeric_props`.`latency_ms`::Nullable(Float64)) DESC NULLS LAST, name ASC
LIMIT {p13:Int64})) AS found_columns, arraySlice(found_rows, 1, {p14:Int64}) AS top_rows, arraySlice(found_columns, 1, {p15:Int64}) AS top_columns SELECT arrayElement(top_rows, row_place) AS row_name, arrayElement(top_columns, column_place) AS column_name, value, summed, length(found_rows) > length(top_rows) OR length(found_columns) > length(top_columns) AS truncated
FROM (SELECT transform(ifNull(`string_props`.`model`.:String, ''), top_rows, range(1, length(top_rows) + 1), 0) AS row_place, transform(user_id, top_columns, range(1, length(top_columns) + 1), 0) AS column_place, quantileExactInclusive(0.9)(`numeric_props`.`latency_ms`::Nullable(Float64)) AS value, grouping(row_place, column_place) AS summed
FROM `emban`.`events`
WHERE org_id = {p16:String}
  AND environment = {p17:String}
  AND tenant_id = {p18:String}
  AND event_name = {p19:String}
  AND timestamp >= {p20:DateTime64(3, 'UTC')}
  AND timestamp < {p21:DateTime64(3, 'UTC')}
GROUP BY GROUPING SETS ((row_place, column_place), (row_place), (column_place), ()))
WHERE (row_place > 0 OR summed >= 2)
  AND (column_place > 0 OR summed IN (1, 3))
ORDER BY summed, row_place, column_place
--   p0 String = org_1
--   p1 String = production
--   p2 String = acme
--   p3 String = api.call
--   p4 DateTime64(3, 'UTC') = 2026-11-14 00:00:00
--   p5 DateTime64(3, 'UTC') = 2026-11-21 00:00:00
--   p6 Int64 = 51
--   p7 String = org_1
--   p8 String = production
--   p9 String = acme
--   p10 String = api.call
--   p11 DateTime64(3, 'UTC') = 2026-11-14 00:00:00
--   p12 DateTime64(3, 'UTC') = 2026-11-21 00:00:00
--   p13 Int64 = 13
--   p14 Int64 = 50
--   p15 Int64 = 12
--   p16 String = org_1
--   p17 String = production
--   p18 String = acme
--   p19 String = api.call
--   p20 DateTime64(3, 'UTC') = 2026-11-14 00:00:00
--   p21 DateTime64(3, 'UTC') = 2026-11-21 00:00:00

-- result, bounded
WITH (SELECT groupArray(name)
FROM (SELECT ifNull(`string_props`.`model`.:String, '') AS name
FROM `emban`.`events`
WHERE org_id = {p0:String}
  AND environment = {p1:String}
  AND tenant_id = {p2:String}
  AND event_name = {p3:String}
  AND timestamp >= {p4:DateTime64(3, 'UTC')}
  AND timestamp < {p5:DateTime64(3, 'UTC')}
GROUP BY name
ORDER BY quantileBFloat16(0.9)(`numeric_props`.`latency_ms`::Nullable(Float64)) DESC NULLS LAST, name ASC
LIMIT {p6:Int64})) AS found_rows, (SELECT groupArray(name)
FROM (SELECT user_id AS name
FROM `emban`.`events`
WHERE org_id = {p7:String}
  AND environment = {p8:String}
  AND tenant_id = {p9:String}
  AND event_name = {p10:String}
  AND timestamp >= {p11:DateTime64(3, 'UTC')}
  AND timestamp < {p12:DateTime64(3, 'UTC')}
GROUP BY name
ORDER BY quantileBFloat16(0.9)(`numeric_props`.`latency_ms`::Nullable(Float64)) DESC NULLS LAST, name ASC
LIMIT {p13:Int64})) AS found_columns, arraySlice(found_rows, 1, {p14:Int64}) AS top_rows, arraySlice(found_columns, 1, {p15:Int64}) AS top_columns SELECT arrayElement(top_rows, row_place) AS row_name, arrayElement(top_columns, column_place) AS column_name, value, summed, length(found_rows) > length(top_rows) OR length(found_columns) > length(top_columns) AS truncated
FROM (SELECT transform(ifNull(`string_props`.`model`.:String, ''), top_rows, range(1, length(top_rows) + 1), 0) AS row_place, transform(user_id, top_columns, range(1, length(top_columns) + 1), 0) AS column_place, quantileBFloat16(0.9)(`numeric_props`.`latency_ms`::Nullable(Float64)) AS value, grouping(row_place, column_place) AS summed
FROM `emban`.`events`
WHERE org_id = {p16:String}
  AND environment = {p17:String}
  AND tenant_id = {p18:String}
  AND event_name = {p19:String}
  AND timestamp >= {p20:DateTime64(3, 'UTC')}
  AND timestamp < {p21:DateTime64(3, 'UTC')}
GROUP BY GROUPING SETS ((row_place, column_place), (row_place), (column_place), ()))
WHERE (row_place > 0 OR summed >= 2)
  AND (column_place > 0 OR summed IN (1, 3))
ORDER BY summed, row_place, column_place
--   p0 String = org_1
--   p1 String = production
--   p2 String = acme
--   p3 String = api.call
--   p4 DateTime64(3, 'UTC') = 2026-11-14 00:00:00
--   p5 DateTime64(3, 'UTC') = 2026-11-21 00:00:00
--   p6 Int64 = 51
--   p7 String = org_1
--   p8 String = production
--   p9 String = acme
--   p10 String = api.call
--   p11 DateTime64(3, 'UTC') = 2026-11-14 00:00:00
--   p12 DateTime64(3, 'UTC') = 2026-11-21 00:00:00
--   p13 Int64 = 13
--   p14 Int64 = 50
--   p15 Int64 = 12
--   p16 String = org_1
--   p17 String = production
--   p18 String = acme
--   p19 String = api.call
--   p20 DateTime64(3, 'UTC') = 2026-11-14 00:00:00
--   p21 DateTime64(3, 'UTC') = 2026-11-21 00:00:00
