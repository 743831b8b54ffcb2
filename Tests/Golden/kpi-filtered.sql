-- result
SELECT count() AS value
FROM `emban`.`events`
WHERE org_id = {p0:String}
  AND environment = {p1:String}
  AND tenant_id = {p2:String}
  AND ifNull(`string_props`.`a\`b%2Ec\\`.:String, '') IN {p3:Array(String)}
  AND ifNull(`string_props`.`plan`.:String, '') = {p4:String}
  AND event_name = {p5:String}
  AND ifNull(`string_props`.`model`.:String, '') IN {p6:Array(String)}
  AND `numeric_props`.`latency_ms`::Nullable(Float64) >= {p7:Float64}
  AND `numeric_props`.`latency_ms`::Nullable(Float64) <= {p8:Float64}
  AND NOT (ifNull(`string_props`.`status`.:String, '') = {p9:String})
  AND ifNull(`string_props`.`region`.:String, '') IN {p10:Array(String)}
  AND NOT (user_id IN {p11:Array(String)})
  AND (positionCaseInsensitiveUTF8(ifNull(`string_props`.`path`.:String, ''), {p12:String}) > 0)
  AND `numeric_props`.`tokens`::Nullable(Float64) >= {p13:Float64}
  AND `numeric_props`.`tokens`::Nullable(Float64) <= {p14:Float64}
  AND `numeric_props`.`cost`::Nullable(Float64) BETWEEN {p15:Float64}
  AND {p16:Float64}
  AND timestamp >= {p17:DateTime64(3, 'UTC')}
  AND timestamp < {p18:DateTime64(3, 'UTC')}
--   p0 String = org_1
--   p1 String = production
--   p2 String = acme
--   p3 Array(String) = ['x','y']
--   p4 String = pro
--   p5 String = api.call
--   p6 Array(String) = ['gpt-4','it\'s']
--   p7 Float64 = 0.0
--   p8 Float64 = 500.0
--   p9 String = error
--   p10 Array(String) = ['eu','us']
--   p11 Array(String) = ['u1','u2']
--   p12 String = 100%_\\
--   p13 Float64 = 1.0
--   p14 Float64 = 1000000.0
--   p15 Float64 = 0.5
--   p16 Float64 = 2.0
--   p17 DateTime64(3, 'UTC') = 2026-11-19 15:00:00
--   p18 DateTime64(3, 'UTC') = 2026-11-20 15:00:00
