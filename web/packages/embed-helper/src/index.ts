import { create } from "./create";

export { create } from "./create";
export { frameUrl, parseEmbedUrl } from "./embed-url";
export type { EmbedTarget, FragmentOptions } from "./embed-url";
export type { EmbanEvents, EmbanFilters, EmbanHandle, EmbanListener, EmbanOptions, EmbanTheme } from "./types";

/** What `/sdk/emban-embed.js` defines as `window.Emban`, for those who import it. */
export const Emban: { readonly create: typeof create } = { create };
export default Emban;

declare global {
  interface Window {
    /** Defined by `/sdk/emban-embed.js`. */
    Emban?: { create: typeof create };
  }
}
