-- result
SELECT {p0:Int64} AS is_current, toInt64(toUnixTimestamp(toStartOfHour(timestamp, {p1:String}))) AS bucket, count() AS value
FROM `emban`.`events`
WHERE org_id = {p2:String}
  AND environment = {p3:String}
  AND tenant_id = {p4:String}
  AND event_name = {p5:String}
  AND timestamp >= {p6:DateTime64(3, 'UTC')}
  AND timestamp < {p7:DateTime64(3, 'UTC')}
GROUP BY is_current, bucket
ORDER BY is_current, bucket
--   p0 Int64 = 1
--   p1 String = Europe/Berlin
--   p2 String = org_1
--   p3 String = production
--   p4 String = acme
--   p5 String = api.call
--   p6 DateTime64(3, 'UTC') = 2026-10-31 23:00:00
--   p7 DateTime64(3, 'UTC') = 2026-11-01 23:00:00
