-- How often cached answers were thrown away: of an organisation as a whole, of one tenant, of one dashboard, of both ('' stands for all).
-- The sum of the rows that concern an answer is part of what it is kept under, in every process.
CREATE TABLE cache_generations (
  org_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  tenant_id TEXT NOT NULL,
  dashboard_id TEXT NOT NULL,
  generation BIGINT NOT NULL,
  PRIMARY KEY (org_id, tenant_id, dashboard_id)
);
