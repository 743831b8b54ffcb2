// By file, not by name of the package: types and code of this one stand for themselves.
import { claimsOf } from "../../core/src/claims";

/** What the helper passes to the page along with the token, in the fragment: it never leaves the browser. */
export interface FragmentOptions {
  readonly theme?: unknown;
  readonly filters?: unknown;
  readonly live?: boolean | undefined;
}

export interface EmbedTarget {
  /** Origin of the Emban server, for checks on messages. */
  readonly origin: string;
  /** Address of the page without token: the same for every session of a dashboard. */
  readonly page: string;
  readonly token: string;
  /** Id of the session, which is no secret: by it the server knows who may frame the page. Empty when it cannot be told. */
  readonly session: string;
}

/** Takes an embed URL apart, wherever its token stands. Throws TypeError for anything but http(s) with a token. */
export function parseEmbedUrl(embedUrl: string, base: string): EmbedTarget {
  if (typeof embedUrl !== "string" || embedUrl.trim() === "") throw new TypeError("Emban: embedUrl is empty: did your back end make a session?");
  let url: URL;
  try {
    url = new URL(embedUrl, base);
  } catch {
    throw new TypeError("Emban: embedUrl is not a valid URL");
  }
  if (url.protocol !== "https:" && url.protocol !== "http:") throw new TypeError("Emban: embedUrl must be an http or https URL");
  const fragment = new URLSearchParams(url.hash.replace(/^#/, ""));
  const token = fragment.get("token") ?? url.searchParams.get("token") ?? "";
  if (token === "") throw new TypeError("Emban: embedUrl holds no token");
  const session = sessionOf(token) || url.searchParams.get("session") || "";
  url.searchParams.delete("token");
  url.searchParams.delete("session");
  url.hash = "";
  return { origin: url.origin, page: url.href.replace(/[#?]$/, ""), token, session };
}

/** The address for the iframe: the token stands behind `#`, so that it reaches neither server logs nor Referer headers. */
export function frameUrl(target: EmbedTarget, options: FragmentOptions): string {
  const fragment = new URLSearchParams({ token: target.token, autoheight: "1" });
  if (options.theme !== undefined) fragment.set("theme", JSON.stringify(options.theme));
  if (options.filters !== undefined) fragment.set("filters", JSON.stringify(options.filters));
  if (options.live !== undefined) fragment.set("live", options.live ? "1" : "0");
  const session = target.session === "" ? "" : `${target.page.includes("?") ? "&" : "?"}session=${encodeURIComponent(target.session)}`;
  return `${target.page}${session}#${fragment.toString()}`;
}

/** The `jti` of a JWT; "" for any other text. */
function sessionOf(token: string): string {
  const { jti } = claimsOf(token);
  return typeof jti === "string" ? jti : "";
}
