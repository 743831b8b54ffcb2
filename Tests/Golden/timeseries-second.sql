-- result
SELECT timestamp >= {p0:DateTime64(3, 'UTC')} AS is_current, toInt64(toDate(timestamp, {p1:String})) AS bucket, count() AS value, quantileExactInclusiveIf(0.95)(`numeric_props`.`latency_ms`::Nullable(Float64), timestamp >= {p2:DateTime64(3, 'UTC')}
  AND timestamp < {p3:DateTime64(3, 'UTC')}) AS second_value
FROM `emban`.`events`
WHERE org_id = {p4:String}
  AND environment = {p5:String}
  AND tenant_id = {p6:String}
  AND event_name = {p7:String}
  AND (timestamp >= {p8:DateTime64(3, 'UTC')}
  AND timestamp < {p9:DateTime64(3, 'UTC')} OR timestamp >= {p10:DateTime64(3, 'UTC')}
  AND timestamp < {p11:DateTime64(3, 'UTC')})
GROUP BY is_current, bucket
ORDER BY is_current, bucket
--   p0 DateTime64(3, 'UTC') = 2026-11-14 00:00:00
--   p1 String = UTC
--   p2 DateTime64(3, 'UTC') = 2026-11-14 00:00:00
--   p3 DateTime64(3, 'UTC') = 2026-11-21 00:00:00
--   p4 String = org_1
--   p5 String = production
--   p6 String = acme
--   p7 String = api.call
--   p8 DateTime64(3, 'UTC') = 2026-11-14 00:00:00
--   p9 DateTime64(3, 'UTC') = 2026-11-21 00:00:00
--   p10 DateTime64(3, 'UTC') = 2026-11-07 00:00:00
--   p11 DateTime64(3, 'UTC') = 2026-11-13 14:24:00

-- result, bounded
SELECT timestamp >= {p0:DateTime64(3, 'UTC')} AS is_current, toInt64(toDate(timestamp, {p1:String})) AS bucket, count() AS value, quantileBFloat16If(0.95)(`numeric_props`.`latency_ms`::Nullable(Float64), timestamp >= {p2:DateTime64(3, 'UTC')}
  AND timestamp < {p3:DateTime64(3, 'UTC')}) AS second_value
FROM `emban`.`events`
WHERE org_id = {p4:String}
  AND environment = {p5:String}
  AND tenant_id = {p6:String}
  AND event_name = {p7:String}
  AND (timestamp >= {p8:DateTime64(3, 'UTC')}
  AND timestamp < {p9:DateTime64(3, 'UTC')} OR timestamp >= {p10:DateTime64(3, 'UTC')}
  AND timestamp < {p11:DateTime64(3, 'UTC')})
GROUP BY is_current, bucket
ORDER BY is_current, bucket
--   p0 DateTime64(3, 'UTC') = 2026-11-14 00:00:00
--   p1 String = UTC
--   p2 DateTime64(3, 'UTC') = 2026-11-14 00:00:00
--   p3 DateTime64(3, 'UTC') = 2026-11-21 00:00:00
--   p4 String = org_1
--   p5 String = production
--   p6 String = acme
--   p7 String = api.call
--   p8 DateTime64(3, 'UTC') = 2026-11-14 00:00:00
--   p9 DateTime64(3, 'UTC') = 2026-11-21 00:00:00
--   p10 DateTime64(3, 'UTC') = 2026-11-07 00:00:00
--   p11 DateTime64(3, 'UTC') = 2026-11-13 14:24:00
