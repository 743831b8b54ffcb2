SELECT set, multiIf(set IN (2, 3, 6), bucket_0, toInt64(0)) AS bucket, multiIf(set IN (4, 5, 6), name_0, set IN (7), name_1, '') AS name, countMerge(state_0) AS value_0, quantileExactInclusiveMergeIf(0.95)(state_1, set IN (0, 1, 4, 6)) AS value_1, ifNull(sumMerge(state_2), 0) AS value_2
FROM (SELECT (timestamp >= {p0:DateTime64(3, 'UTC')}) + (timestamp >= {p1:DateTime64(3, 'UTC')}) AS interval_number, toInt64(toDate(timestamp, {p2:String})) AS bucket_0, ifNull(`string_props`.`model`.:String, '') AS name_0, ifNull(`string_props`.`endpoint`.:String, '') AS name_1, countState() AS state_0, quantileExactInclusiveState(0.95)(`numeric_props`.`latency_ms`::Nullable(Float64)) AS state_1, sumState(`numeric_props`.`cost`::Nullable(Float64)) AS state_2
FROM `emban`.`events`
WHERE org_id = {p3:String}
  AND environment = {p4:String}
  AND tenant_id = {p5:String}
  AND event_name = {p6:String}
  AND (timestamp >= {p7:DateTime64(3, 'UTC')}
  AND timestamp < {p8:DateTime64(3, 'UTC')} OR timestamp >= {p9:DateTime64(3, 'UTC')}
  AND timestamp < {p10:DateTime64(3, 'UTC')})
GROUP BY interval_number, bucket_0, name_0, name_1)
ARRAY JOIN [[1, 3, 5], [], [0, 2, 4, 6, 7]][interval_number + 1] AS set
GROUP BY set, bucket, name
--   p0 DateTime64(3, 'UTC') = 2026-10-21 14:24:00
--   p1 DateTime64(3, 'UTC') = 2026-10-22 00:00:00
--   p2 String = UTC
--   p3 String = org_1
--   p4 String = production
--   p5 String = acme
--   p6 String = api.call
--   p7 DateTime64(3, 'UTC') = 2026-10-22 00:00:00
--   p8 DateTime64(3, 'UTC') = 2026-11-21 00:00:00
--   p9 DateTime64(3, 'UTC') = 2026-09-22 00:00:00
--   p10 DateTime64(3, 'UTC') = 2026-10-21 14:24:00
