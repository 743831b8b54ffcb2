import { ensureContrast, parseColor, readableOn, withAlpha } from "../color";
import type { BreakdownModel } from "../result";
import { colorOf, motion, textStyle, type ChartContext, type ChartOption } from "./chart";

/** Parts of a whole as areas; what is too small for its name has it in the tooltip. */
export function treemapOption(model: BreakdownModel, context: ChartContext): ChartOption {
  const items = model.items.map((item, index) => ({ item, index })).filter(({ item }) => (item.value ?? 0) > 0);
  return {
    ...motion(context),
    textStyle: textStyle(context),
    series: [
      {
        id: "s:",
        type: "treemap",
        left: 0,
        right: 0,
        top: 0,
        bottom: 0,
        roam: false,
        nodeClick: false,
        breadcrumb: { show: false },
        cursor: context.interactive ? "pointer" : "default",
        squareRatio: 1.1,
        itemStyle: { borderColor: context.theme.card, borderWidth: 0, gapWidth: 3, borderRadius: 4 },
        label: {
          show: true,
          position: "insideTopLeft",
          padding: [9, 8, 8, 10],
          fontFamily: context.fontFamily,
          fontSize: 12,
          lineHeight: 17,
          overflow: "truncate",
          ellipsis: "…",
          formatter: (node: { data?: { index?: number } }) => {
            const item = model.items[node.data?.index ?? -1];
            return item ? `${plain(item.label)}\n${item.text}${item.share === null ? "" : ` · ${item.shareText}`}` : "";
          },
        },
        // Half a name says nothing.
        labelLayout: ({ rect }: { rect: { width: number; height: number } }) => (rect.width < 52 || rect.height < 42 ? { x: -9999, y: -9999 } : {}),
        upperLabel: { show: false },
        emphasis: { itemStyle: { borderColor: context.theme.text } },
        data: items.map(({ item, index }) => {
          const color = tileColor(colorOf(context, item.key, index));
          const faded = context.selected.size > 0 && !context.selected.has(item.key);
          return {
            name: item.label,
            value: item.value,
            index,
            cursor: item.isOther ? "default" : undefined,
            itemStyle: { color: faded ? withAlpha(color, 0.3) : color },
            label: { color: faded ? context.theme.text : readableOn(color) },
          };
        }),
      },
    ],
  };
}

/** Text of 12 px on a tile reaches 4.5:1, in black or in white. */
export function tileColor(color: string): string {
  return parseColor(color) ? ensureContrast(color, readableOn(color), 4.5) : color;
}

/** Braces begin a style in a label with styles; names may hold them. */
function plain(text: string): string {
  return text.replace(/[{}|]/g, (character) => ({ "{": "(", "}": ")", "|": "¦" })[character] ?? "");
}
