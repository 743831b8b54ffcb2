import { createHmac, timingSafeEqual } from "node:crypto";

// Stands for the sign-in that your product has already. What matters here: the tenant comes from something that the browser cannot change.

const name = "example_session";

function signatureOf(text: string): string {
  const secret = process.env.SESSION_SECRET;
  if (!secret) throw new Error("SESSION_SECRET is not set");
  return createHmac("sha256", secret).update(text).digest("hex");
}

/** A cookie that says whose user this is. */
export function sessionCookie(tenant: string): string {
  const text = encodeURIComponent(tenant);
  return `${name}=${text}.${signatureOf(text)}; Path=/; HttpOnly; SameSite=Lax`;
}

/** The customer that the signed-in user belongs to; null when nobody is signed in. */
export function tenantOf(request: Request): string | null {
  const cookies = (request.headers.get("cookie") ?? "").split(/;\s*/);
  const value = cookies.find((cookie) => cookie.startsWith(`${name}=`))?.slice(name.length + 1) ?? "";
  const cut = value.lastIndexOf(".");
  if (cut < 0) return null;
  const text = value.slice(0, cut);
  const given = Buffer.from(value.slice(cut + 1));
  const expected = Buffer.from(signatureOf(text));
  return given.length === expected.length && timingSafeEqual(given, expected) ? decodeURIComponent(text) : null;
}
