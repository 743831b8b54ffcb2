/** What a JWT says, unverified: the server verifies. Empty for any other text. */
export function claimsOf(token: string): Readonly<Record<string, unknown>> {
  try {
    const claims: unknown = JSON.parse(atob((token.split(".")[1] ?? "").replace(/-/g, "+").replace(/_/g, "/")));
    return typeof claims === "object" && claims !== null && !Array.isArray(claims) ? (claims as Readonly<Record<string, unknown>>) : {};
  } catch {
    return {};
  }
}

/**
 * The token that a customer's back end has brought.
 * @throws TypeError for what cannot be one, such as the page of a proxy in its place.
 */
export function readToken(brought: unknown): string {
  if (typeof brought !== "string" || !/^[\x21-\x7e]+$/.test(brought)) throw new TypeError("What was brought is no token.");
  return brought;
}

/** Whose data a token opens: which customer's, and which of their users' when it says so. Null when it does not say. */
export function customerOf(token: string): string | null {
  const { org, env, tenant, sub } = claimsOf(token);
  return typeof tenant === "string" ? JSON.stringify([org, env, tenant, sub]) : null;
}

/** The session that a token belongs to; null when it does not say. */
export function sessionOf(token: string): string | null {
  const { jti } = claimsOf(token);
  return typeof jti === "string" ? jti : null;
}

/** True when both tokens say whose data they open, and it is not the same customer's, or the same user's of that customer. */
export function isOtherCustomer(one: string, other: string): boolean {
  const [first, second] = [customerOf(one), customerOf(other)];
  return first !== null && second !== null && first !== second;
}
