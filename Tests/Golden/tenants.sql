-- tenants
SELECT tenant_id, count() AS events, toUnixTimestamp64Milli(min(timestamp)), toUnixTimestamp64Milli(max(timestamp))
FROM `emban`.`events`
WHERE org_id = {p0:String}
  AND environment = {p1:String}
  AND tenant_id > {p2:String}
GROUP BY tenant_id
ORDER BY tenant_id
LIMIT {p3:Int64}
--   p0 String = org_1
--   p1 String = production
--   p2 String = acme
--   p3 Int64 = 21
