export { EmbanEmbedFrame, type EmbanEmbedFrameProps } from "./frame";
export { useEmbanEmbed, type EmbanEmbed, type EmbanEmbedControls, type EmbanEmbedOptions } from "./use-embed";
export type { EmbanEvents, EmbanFilters, EmbanTheme } from "../types";
