-- values
SELECT ifNull(`string_props`.`model`.:String, '') AS value, count() AS events
FROM `emban`.`events`
WHERE org_id = {p0:String}
  AND environment = {p1:String}
  AND tenant_id = {p2:String}
  AND ifNull(`string_props`.`plan`.:String, '') = {p3:String}
  AND event_name IN {p4:Array(String)}
  AND timestamp >= {p5:DateTime64(3, 'UTC')}
  AND timestamp < {p6:DateTime64(3, 'UTC')}
  AND ifNull(`string_props`.`model`.:String, '') != ''
  AND (positionCaseInsensitiveUTF8(ifNull(`string_props`.`model`.:String, ''), {p7:String}) > 0)
GROUP BY value
ORDER BY events DESC, value ASC
LIMIT {p8:Int64}
--   p0 String = org_1
--   p1 String = production
--   p2 String = acme
--   p3 String = pro
--   p4 Array(String) = ['api.call']
--   p5 DateTime64(3, 'UTC') = 2026-10-22 00:00:00
--   p6 DateTime64(3, 'UTC') = 2026-11-21 00:00:00
--   p7 String = gp%
--   p8 Int64 = 11
