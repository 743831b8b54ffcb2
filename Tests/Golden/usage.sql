-- result
SELECT toInt32(day) AS number, sum(events), count()
FROM (SELECT day, tenant_id, sum(n) AS events
FROM `emban`.`tenant_days`
WHERE org_id = {p0:String}
  AND environment = {p1:String}
  AND toInt32(day) >= {p2:Int64}
  AND toInt32(day) <= {p3:Int64}
GROUP BY day, tenant_id
HAVING events > 0)
GROUP BY number
ORDER BY number
--   p0 String = org_1
--   p1 String = production
--   p2 Int64 = 20482
--   p3 Int64 = 20486

-- tenants
SELECT countIf(inside > 0), count()
FROM (SELECT tenant_id, sumIf(n, toInt32(day) >= {p0:Int64}
  AND toInt32(day) <= {p1:Int64}) AS inside, sum(n) AS total
FROM `emban`.`tenant_days`
WHERE org_id = {p2:String}
  AND environment = {p3:String}
GROUP BY tenant_id
HAVING total > 0)
--   p0 Int64 = 20482
--   p1 Int64 = 20486
--   p2 String = org_1
--   p3 String = production
