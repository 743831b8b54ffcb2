-- result
SELECT {p0:Int64} AS is_current, toInt64(toUnixTimestamp(toStartOfMinute(timestamp))) AS bucket, count() AS value
FROM `emban`.`events`
WHERE org_id = {p1:String}
  AND environment = {p2:String}
  AND tenant_id = {p3:String}
  AND event_name = {p4:String}
  AND timestamp >= {p5:DateTime64(3, 'UTC')}
  AND timestamp < {p6:DateTime64(3, 'UTC')}
GROUP BY is_current, bucket
ORDER BY is_current, bucket
--   p0 Int64 = 1
--   p1 String = org_1
--   p2 String = production
--   p3 String = acme
--   p4 String = api.call
--   p5 DateTime64(3, 'UTC') = 2026-10-31 23:00:00
--   p6 DateTime64(3, 'UTC') = 2026-11-01 23:00:00
