-- result
SELECT uniqExactIf(ifNull(`string_props`.`session%2Eid`.:String, ''), ifNull(`string_props`.`session%2Eid`.:String, '') != ''
  AND timestamp >= {p0:DateTime64(3, 'UTC')}
  AND timestamp < {p1:DateTime64(3, 'UTC')}) AS value, uniqExactIf(ifNull(`string_props`.`session%2Eid`.:String, ''), ifNull(`string_props`.`session%2Eid`.:String, '') != ''
  AND timestamp >= {p2:DateTime64(3, 'UTC')}
  AND timestamp < {p3:DateTime64(3, 'UTC')}) AS previous_value
FROM `emban`.`events`
WHERE org_id = {p4:String}
  AND environment = {p5:String}
  AND tenant_id = {p6:String}
  AND (timestamp >= {p7:DateTime64(3, 'UTC')}
  AND timestamp < {p8:DateTime64(3, 'UTC')} OR timestamp >= {p9:DateTime64(3, 'UTC')}
  AND timestamp < {p10:DateTime64(3, 'UTC')})
--   p0 DateTime64(3, 'UTC') = 2026-10-22 00:00:00
--   p1 DateTime64(3, 'UTC') = 2026-11-21 00:00:00
--   p2 DateTime64(3, 'UTC') = 2025-10-22 00:00:00
--   p3 DateTime64(3, 'UTC') = 2025-11-20 14:24:00
--   p4 String = org_1
--   p5 String = production
--   p6 String = acme
--   p7 DateTime64(3, 'UTC') = 2026-10-22 00:00:00
--   p8 DateTime64(3, 'UTC') = 2026-11-21 00:00:00
--   p9 DateTime64(3, 'UTC') = 2025-10-22 00:00:00
--   p10 DateTime64(3, 'UTC') = 2025-11-20 14:24:00
