-- result
SELECT if(place <= {p0:Int64}, dimension, NULL) AS name, avgMerge(state) AS shown, any(total) AS whole, any(groups) AS count
FROM (SELECT ifNull(`string_props`.`model`.:String, '') AS dimension, avgState(`numeric_props`.`latency_ms`::Nullable(Float64)) AS state, finalizeAggregation(state) AS value, row_number() OVER (ORDER BY value DESC NULLS LAST, dimension ASC) AS place, NULL AS total, count() OVER () AS groups
FROM `emban`.`events`
WHERE org_id = {p1:String}
  AND environment = {p2:String}
  AND tenant_id = {p3:String}
  AND event_name = {p4:String}
  AND timestamp >= {p5:DateTime64(3, 'UTC')}
  AND timestamp < {p6:DateTime64(3, 'UTC')}
GROUP BY dimension)
GROUP BY name
ORDER BY min(place)
--   p0 Int64 = 10
--   p1 String = org_1
--   p2 String = production
--   p3 String = acme
--   p4 String = api.call
--   p5 DateTime64(3, 'UTC') = 2026-11-14 00:00:00
--   p6 DateTime64(3, 'UTC') = 2026-11-21 00:00:00
