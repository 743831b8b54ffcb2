-- rows
SELECT toUnixTimestamp64Milli(timestamp), event_name, user_id, ifNull(`string_props`.`endpoint`.:String, ''), ifNull(`string_props`.`model`.:String, '')
FROM `emban`.`events`
WHERE org_id = {p0:String}
  AND environment = {p1:String}
  AND tenant_id = {p2:String}
  AND ifNull(`string_props`.`plan`.:String, '') = {p3:String}
  AND event_name = {p4:String}
  AND ifNull(`string_props`.`endpoint`.:String, '') = {p5:String}
  AND timestamp >= {p6:DateTime64(3, 'UTC')}
  AND timestamp < {p7:DateTime64(3, 'UTC')}
ORDER BY timestamp DESC
LIMIT {p8:Int64}
--   p0 String = org_1
--   p1 String = production
--   p2 String = acme
--   p3 String = pro
--   p4 String = api.call
--   p5 String = /chat
--   p6 DateTime64(3, 'UTC') = 2026-11-20 00:00:00
--   p7 DateTime64(3, 'UTC') = 2026-11-21 00:00:00
--   p8 Int64 = 6
