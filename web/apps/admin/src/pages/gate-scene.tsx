import type { WidgetConfig } from "@emban/core";
import { lookOf, sample, sampleWidget } from "../charts/gallery";
import { useResolvedTheme, WidgetCard } from "../charts/widget-card";
import { consoleTheme } from "../tokens";
import { words } from "../words";

const w = words.gate.scene;

const scene: readonly { readonly title: string; readonly kind: string; readonly chart: string; readonly w: number; readonly h: number }[] = [
  { title: w.calls, kind: "kpi", chart: "stat", w: 2, h: 3 },
  { title: w.latency, kind: "kpi", chart: "gauge", w: 4, h: 3 },
  { title: w.byModel, kind: "breakdown", chart: "donut", w: 2, h: 4 },
  { title: w.daily, kind: "timeseries", chart: "area", w: 4, h: 4 },
];

/** What the product makes, drawn by the product. */
export function GateScene(): JSX.Element {
  const theme = useResolvedTheme(consoleTheme);
  return (
    <>
      <div className="gate-claim">
        <h2>{words.gate.claim}</h2>
        <p>{words.gate.claimText}</p>
      </div>
      <div className="gate-scene">
        {scene.map((item) => {
          const widget: WidgetConfig = { ...sampleWidget(lookOf(item)), title: item.title };
          return (
            <div key={item.title} style={{ gridColumn: `span ${item.w}`, gridRow: `span ${item.h}` }}>
              <Sampled widget={widget} theme={theme} />
            </div>
          );
        })}
      </div>
    </>
  );
}

export function Sampled({ widget, theme }: { readonly widget: WidgetConfig; readonly theme: ReturnType<typeof useResolvedTheme> }): JSX.Element {
  return <WidgetCard widget={widget} answer={answerOf(widget)} theme={theme} tenant="sample" still />;
}

const answers = new Map<string, { readonly result: ReturnType<typeof sample> }>();

/** One answer for each kind of chart, the same object every time. */
function answerOf(widget: WidgetConfig): { readonly result: ReturnType<typeof sample> } {
  const key = `${widget.kind}/${widget.chart}`;
  const known = answers.get(key) ?? { result: sample(widget) };
  answers.set(key, known);
  return known;
}
