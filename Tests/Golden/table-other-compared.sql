-- result
SELECT if(place <= {p0:Int64}, dimension, NULL) AS name, ifNull(sumMerge(state), 0) AS shown, any(total) AS whole, any(groups) AS count, uniqExactMerge(second_state) AS second_value, ifNull(sumMerge(previous_state), 0) AS previous_value
FROM (SELECT ifNull(`string_props`.`model`.:String, '') AS dimension, sumStateIf(`numeric_props`.`latency_ms`::Nullable(Float64), timestamp >= {p1:DateTime64(3, 'UTC')}
  AND timestamp < {p2:DateTime64(3, 'UTC')}) AS state, ifNull(finalizeAggregation(state), 0) AS value, uniqExactStateIf(ifNull(`string_props`.`plan`.:String, ''), ifNull(`string_props`.`plan`.:String, '') != ''
  AND timestamp >= {p3:DateTime64(3, 'UTC')}
  AND timestamp < {p4:DateTime64(3, 'UTC')}) AS second_state, sumStateIf(`numeric_props`.`latency_ms`::Nullable(Float64), timestamp >= {p5:DateTime64(3, 'UTC')}
  AND timestamp < {p6:DateTime64(3, 'UTC')}) AS previous_state, countIf(timestamp >= {p7:DateTime64(3, 'UTC')}
  AND timestamp < {p8:DateTime64(3, 'UTC')}) > 0 AS present, row_number() OVER (ORDER BY present DESC, value DESC NULLS LAST, dimension ASC) AS place, sum(value) OVER () AS total, sum(toUInt64(present)) OVER () AS groups
FROM `emban`.`events`
WHERE org_id = {p9:String}
  AND environment = {p10:String}
  AND tenant_id = {p11:String}
  AND event_name = {p12:String}
  AND (timestamp >= {p13:DateTime64(3, 'UTC')}
  AND timestamp < {p14:DateTime64(3, 'UTC')} OR timestamp >= {p15:DateTime64(3, 'UTC')}
  AND timestamp < {p16:DateTime64(3, 'UTC')})
GROUP BY dimension)
GROUP BY name
ORDER BY min(place)
--   p0 Int64 = 50
--   p1 DateTime64(3, 'UTC') = 2026-11-14 00:00:00
--   p2 DateTime64(3, 'UTC') = 2026-11-21 00:00:00
--   p3 DateTime64(3, 'UTC') = 2026-11-14 00:00:00
--   p4 DateTime64(3, 'UTC') = 2026-11-21 00:00:00
--   p5 DateTime64(3, 'UTC') = 2026-11-07 00:00:00
--   p6 DateTime64(3, 'UTC') = 2026-11-13 14:24:00
--   p7 DateTime64(3, 'UTC') = 2026-11-14 00:00:00
--   p8 DateTime64(3, 'UTC') = 2026-11-21 00:00:00
--   p9 String = org_1
--   p10 String = production
--   p11 String = acme
--   p12 String = api.call
--   p13 DateTime64(3, 'UTC') = 2026-11-14 00:00:00
--   p14 DateTime64(3, 'UTC') = 2026-11-21 00:00:00
--   p15 DateTime64(3, 'UTC') = 2026-11-07 00:00:00
--   p16 DateTime64(3, 'UTC') = 2026-11-13 14:24:00
