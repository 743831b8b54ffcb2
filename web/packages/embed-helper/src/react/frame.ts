import { createElement, forwardRef, useImperativeHandle, type CSSProperties, type ForwardRefExoticComponent, type RefAttributes } from "react";
import { useEmbanEmbed, type EmbanEmbedControls, type EmbanEmbedOptions } from "./use-embed";

export interface EmbanEmbedFrameProps extends EmbanEmbedOptions {
  readonly className?: string | undefined;
  /** Of the element around the iframe, which is as tall as the dashboard. */
  readonly containerStyle?: CSSProperties | undefined;
}

/**
 * An Emban dashboard in an iframe that is as tall as its content.
 *
 * ```tsx
 * <EmbanEmbedFrame embedUrl={embedUrl} onDrill={({ dimension, value }) => console.log(dimension, value)} />
 * ```
 */
export const EmbanEmbedFrame: ForwardRefExoticComponent<EmbanEmbedFrameProps & RefAttributes<EmbanEmbedControls>> = forwardRef<
  EmbanEmbedControls, EmbanEmbedFrameProps
>(function EmbanEmbedFrame({ className, containerStyle, ...options }, ref) {
  const embed = useEmbanEmbed(options);
  useImperativeHandle(ref, () => embed, [embed]);
  // Round corners cut the iframe, too.
  const style: CSSProperties = { overflow: "hidden", ...containerStyle };
  return createElement("div", { ref: embed.ref, className, style });
});
