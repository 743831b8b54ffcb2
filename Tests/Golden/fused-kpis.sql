SELECT set, toInt64(0) AS bucket, '' AS name, countMerge(state_0) AS value_0, ifNull(sumMerge(state_1), 0) AS value_1
FROM (SELECT countState() AS state_0, sumState(`numeric_props`.`cost`::Nullable(Float64)) AS state_1
FROM `emban`.`events`
WHERE org_id = {p0:String}
  AND environment = {p1:String}
  AND tenant_id = {p2:String}
  AND event_name = {p3:String}
  AND timestamp >= {p4:DateTime64(3, 'UTC')}
  AND timestamp < {p5:DateTime64(3, 'UTC')})
ARRAY JOIN [0] AS set
GROUP BY set, bucket, name
--   p0 String = org_1
--   p1 String = production
--   p2 String = acme
--   p3 String = api.call
--   p4 DateTime64(3, 'UTC') = 2026-11-14 00:00:00
--   p5 DateTime64(3, 'UTC') = 2026-11-21 00:00:00
