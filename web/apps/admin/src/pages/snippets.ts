export type Language = "curl" | "node" | "python";

/** A first event, ready to be run. Without a key the name of the variable stands in its place. */
export function snippet(language: Language, origin: string, key: string | null): string {
  if (language === "curl") {
    return `curl ${origin}/v1/events \\
  -H "Authorization: Bearer ${key ?? "$EMBAN_API_KEY"}" \\
  -H "Content-Type: application/json" \\
  -d '{"events": [{
    "tenant_id": "acme", "event_name": "api.call", "user_id": "user_42",
    "string_props": {"model": "gpt-4", "endpoint": "/chat"},
    "numeric_props": {"tokens": 150, "latency_ms": 230}
  }]}'`;
  }
  if (language === "node") {
    return `import Emban from "@emban/sdk";

const emban = new Emban({ host: "${origin}", apiKey: ${key ? `"${key}"` : "process.env.EMBAN_API_KEY"} });
await emban.ingest([{
  tenantId: "acme", eventName: "api.call", userId: "user_42",
  stringProps: { model: "gpt-4", endpoint: "/chat" },
  numericProps: { tokens: 150, latency_ms: 230 },
}]);`;
  }
  return `${key ? "" : "import os\n"}from emban import Emban

with Emban("${origin}", api_key=${key ? `"${key}"` : 'os.environ["EMBAN_API_KEY"]'}) as emban:
    emban.ingest([{
        "tenant_id": "acme", "event_name": "api.call", "user_id": "user_42",
        "string_props": {"model": "gpt-4", "endpoint": "/chat"},
        "numeric_props": {"tokens": 150, "latency_ms": 230},
    }])`;
}
