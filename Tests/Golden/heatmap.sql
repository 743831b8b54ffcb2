-- result
SELECT toDayOfWeek(timestamp, 0, {p0:String}) AS weekday, toHour(timestamp, {p1:String}) AS hour, count() AS value
FROM `emban`.`events`
WHERE org_id = {p2:String}
  AND environment = {p3:String}
  AND tenant_id = {p4:String}
  AND event_name = {p5:String}
  AND timestamp >= {p6:DateTime64(3, 'UTC')}
  AND timestamp < {p7:DateTime64(3, 'UTC')}
GROUP BY weekday, hour
ORDER BY weekday, hour
--   p0 String = Asia/Kolkata
--   p1 String = Asia/Kolkata
--   p2 String = org_1
--   p3 String = production
--   p4 String = acme
--   p5 String = api.call
--   p6 DateTime64(3, 'UTC') = 2026-11-13 18:30:00
--   p7 DateTime64(3, 'UTC') = 2026-11-20 18:30:00
