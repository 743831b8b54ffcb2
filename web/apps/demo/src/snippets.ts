export type Embedding = "iframe" | "component";

export function backEndCode(origin: string, tenant: string, dashboard: string): string {
  return `curl ${origin}/v1/embed-sessions \\
  -H "Authorization: Bearer $EMBAN_API_KEY" \\
  -H "Content-Type: application/json" \\
  -d '{"tenant_id": "${tenant}", "dashboard_id": "${dashboard}"}'

# → {"token": "eyJ…", "embed_url": "${origin}/embed/${dashboard}?token=eyJ…", …}
# The key stays here. The browser only gets the token: one customer, one dashboard, one hour.`;
}

export function pageCode(embedding: Embedding, origin: string, dashboard: string): string {
  return embedding === "iframe"
    ? `<div id="analytics"></div>
<script src="${origin}/sdk/emban-embed.js"></script>
<script>
  const dashboard = Emban.create({
    container: "#analytics",
    embedUrl: EMBED_URL, // from your back end
    theme: { mode: "light", primaryColor: "#4a63e7" },
  });
  dashboard.on("drill", (e) => console.log(e.dimension, e.value));
</script>`
    : `<script src="${origin}/sdk/emban-dashboard.js"></script>

<emban-dashboard
  dashboard-id="${dashboard}"
  token="TOKEN from your back end"
></emban-dashboard>`;
}
