import { sessionCookie } from "../../../lib/session";

const customers = new Set(["acme", "globex"]);

/** Signs in as a user of one of two customers, without a password: for this example only. */
export async function POST(request: Request): Promise<Response> {
  const tenant = String((await request.formData()).get("tenant"));
  if (!customers.has(tenant)) return new Response("There is no such customer.", { status: 404 });
  return new Response(null, { status: 303, headers: { Location: "/", "Set-Cookie": sessionCookie(tenant), "Cache-Control": "no-store" } });
}
