import { withAlpha } from "../color";
import { formatOf, formatValue } from "../format";
import { isAdditive, type BreakdownModel } from "../result";
import { strings } from "../strings";
import type { QueryWidget } from "../types";
import { colorOf, cut, motion, textStyle, type ChartContext, type ChartOption } from "./chart";

/** Parts of a whole as a ring; in its middle the whole, where parts may be added up. */
export function donutOption(widget: QueryWidget, model: BreakdownModel, context: ChartContext): ChartOption {
  const shown = model.items.map((item, index) => ({ item, index })).filter(({ item }) => !context.hidden.has(item.key) && (item.value ?? 0) > 0);
  const total = shown.reduce((sum, { item }) => sum + (item.value ?? 0), 0);
  const radius = Math.min(context.width, context.height) / 2;
  const text = formatValue(total, formatOf(widget), context.locale, "headline");
  // ECharts measures the ring from the smaller side.
  const inner = radius * 0.64;
  const size = Math.max(13, Math.min(26, Math.floor((inner * 1.5) / Math.max(3, text.length * 0.6))));
  const whole = isAdditive(widget) && radius > 56;
  return {
    ...motion(context),
    textStyle: textStyle(context),
    ...(whole
      ? {
          title: {
            text: `{total|${cut(context, text, size, inner * 1.8)}}\n{name|${strings.total}}`,
            left: "center",
            top: "middle",
            padding: 0,
            textStyle: {
              align: "center",
              rich: {
                total: { fontFamily: context.fontFamily, fontSize: size, lineHeight: size * 1.3, fontWeight: 600, color: context.theme.text },
                name: { fontFamily: context.fontFamily, fontSize: 12, lineHeight: 16, fontWeight: 400, color: context.theme.muted },
              },
            },
          },
        }
      : {}),
    series: [
      {
        id: "s:",
        type: "pie",
        cursor: context.interactive ? "pointer" : "default",
        name: widget.title,
        radius: ["64%", "92%"],
        label: { show: false },
        // One part is a whole ring: a gap in it would look like a second part.
        itemStyle: { borderColor: context.theme.card, borderWidth: shown.length > 1 ? 2 : 0, borderRadius: shown.length > 1 ? 4 : 0 },
        emphasis: { scaleSize: 4 },
        data: shown.map(({ item, index }) => {
          const color = colorOf(context, item.key, index);
          const faded = context.selected.size > 0 && !context.selected.has(item.key);
          return { name: item.label, value: item.value, index, cursor: item.isOther ? "default" : undefined, itemStyle: { color: faded ? withAlpha(color, 0.3) : color } };
        }),
      },
    ],
  };
}
