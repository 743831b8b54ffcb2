import { chartView, colorCount, colorKeys, strings, type ChartView, type QueryResult, type TooltipModel, type QueryWidget } from "@emban/core";
import { colorScope, isInteractive, selectedValues, type ViewContext } from "../context";
import { h, icon, replace, setAttribute } from "../dom";
import { loadECharts, type EChart } from "../echarts";
import type { WidgetFace } from "./face";
import { ScrollHint } from "./scroll-hint";

/** A chart drawn by ECharts, with its own legend, and the same numbers as a table on demand. */
export class ChartFace implements WidgetFace {
  readonly element: HTMLElement;
  readonly actions: HTMLElement;

  private readonly plot = h("div", { class: "plot" });
  private readonly image = h("div", { class: "plot-box", attrs: { role: "img" } }, this.plot);
  private readonly legend = h("div", { class: "legend", attrs: { role: "group" } });
  private readonly tableBox = h("div", { class: "table-scroll", attrs: { hidden: true, tabindex: 0, role: "region" } });
  private readonly hint = new ScrollHint(this.tableBox);
  private readonly toggle: HTMLButtonElement;
  private readonly hidden = new Set<string>();
  private readonly observer: ResizeObserver;
  private chart: EChart | null = null;
  private view: ChartView | null = null;
  private result: QueryResult | null = null;
  private context: ViewContext | null = null;
  private asTable = false;
  private drawn = false;
  private destroyed = false;
  private size = { width: 0, height: 0 };

  constructor(private readonly widget: QueryWidget) {
    this.toggle = h("button", { class: "icon-button", attrs: { type: "button" }, on: { click: () => this.setTable(!this.asTable) } });
    this.actions = this.toggle;
    this.tableBox.setAttribute("aria-label", widget.title);
    this.element = h("div", { class: "chart" }, this.legend, this.image, this.tableBox);
    this.observer = new ResizeObserver(() => this.measure());
    this.observer.observe(this.plot);
    this.labelToggle();
  }

  show(result: QueryResult, context: ViewContext): void {
    this.result = result;
    this.context = context;
    this.draw();
    loadECharts(context.assets).then(
      (library) => {
        if (this.destroyed || this.chart) return;
        this.measure();
        // An invisible plot has no size yet; the observer calls again when it gets one.
        this.start(library);
      },
      () => this.fail(),
    );
  }

  destroy(): void {
    this.destroyed = true;
    this.observer.disconnect();
    this.hint.destroy();
    this.chart?.dispose();
    this.chart = null;
  }

  private start(library: Awaited<ReturnType<typeof loadECharts>>): void {
    const chart = library.init(this.plot, null, { renderer: "svg", width: Math.max(1, this.size.width), height: Math.max(1, this.size.height) });
    this.chart = chart;
    if (this.widget.kind === "timeseries" && !this.widget.query.group_by) {
      // Points on a line are small: a click anywhere in the plot means the bucket under the pointer.
      chart.getZr().on("click", ({ offsetX, offsetY }) => {
        if (!chart.containPixel("grid", [offsetX, offsetY])) return;
        const index = chart.convertFromPixel({ xAxisIndex: 0, yAxisIndex: 0 }, [offsetX, offsetY])[0];
        if (index !== undefined) this.activate(undefined, Math.round(index));
      });
    } else {
      chart.on("click", (event) => {
        const index = typeof event["dataIndex"] === "number" ? event["dataIndex"] : -1;
        const series = typeof event["seriesId"] === "string" ? event["seriesId"] : undefined;
        this.activate(series, index);
      });
    }
    this.draw();
  }

  private activate(series: string | undefined, index: number): void {
    const hit = this.view?.hit(series, index);
    if (hit && this.context) this.context.activate(this.widget, hit);
  }

  private draw(): void {
    const { result, context } = this;
    if (!result || !context) return;
    const dimension = this.widget.query.group_by ?? "time";
    const keys = colorKeys(this.widget, result);
    const view = chartView(this.widget, result, {
      theme: context.theme,
      ...(keys && { slots: context.colors.claim(colorScope(context, keys.dimension), keys.values, colorCount(context.theme)) }),
      locale: context.locale,
      timezone: context.timezone,
      width: this.size.width || 480,
      height: this.size.height || 240,
      // The first drawing stands at once; only changes move.
      animate: this.drawn && !context.reducedMotion,
      hidden: this.hidden,
      selected: selectedValues(context, dimension),
      interactive: isInteractive(context, dimension),
      fontFamily: context.fontFamily,
      measure: (text, size) => measureText(text, size, context.fontFamily),
    });
    this.view = view;
    this.image.setAttribute("aria-label", view.summary);
    this.drawLegend(view);
    if (this.asTable) this.drawTable(view, context);
    if (this.chart) {
      this.chart.setOption({ ...view.option, tooltip: this.tooltip(view, context) }, { replaceMerge: ["series"] });
      this.drawn = true;
    }
  }

  private tooltip(view: ChartView, context: ViewContext): Record<string, unknown> {
    const bars = this.widget.chart === "bar" || this.widget.chart === "stacked_bar";
    return {
      trigger: view.trigger,
      className: "tip-box",
      confine: true,
      transitionDuration: context.reducedMotion ? 0 : 0.12,
      backgroundColor: "transparent",
      borderWidth: 0,
      padding: 0,
      extraCssText: "box-shadow:none",
      axisPointer: bars
        ? { type: "shadow", shadowStyle: { color: context.theme.text, opacity: 0.05 } }
        : { type: "line", lineStyle: { color: context.theme.muted, width: 1, type: "solid", opacity: 0.5 } },
      formatter: (parameters: unknown) => {
        const first: unknown = Array.isArray(parameters) ? parameters[0] : parameters;
        const index = (first as { dataIndex?: number } | undefined)?.dataIndex ?? -1;
        const model = view.tooltip(index);
        return model ? tooltipElement(model) : "";
      },
    };
  }

  private drawLegend(view: ChartView): void {
    this.legend.hidden = view.legend.length === 0 || this.asTable;
    this.legend.setAttribute("aria-label", this.widget.title);
    replace(
      this.legend,
      ...view.legend.map((item) =>
        h(
          "button",
          {
            class: "legend-item",
            attrs: { type: "button", "aria-pressed": item.hidden ? "false" : "true", title: strings.showSeries(item.name), "data-key": item.key },
            on: {
              click: () => {
                if (this.hidden.has(item.key)) this.hidden.delete(item.key);
                else if (view.legend.filter((other) => !other.hidden).length > 1) this.hidden.add(item.key);
                this.draw();
                Array.from(this.legend.querySelectorAll<HTMLElement>(".legend-item")).find((button) => button.dataset["key"] === item.key)?.focus();
              },
              pointerenter: () => this.chart?.dispatchAction({ type: "highlight", seriesId: `s:${item.key}` }),
              pointerleave: () => this.chart?.dispatchAction({ type: "downplay", seriesId: `s:${item.key}` }),
            },
          },
          h("span", { class: item.dashed ? "swatch dashed" : "swatch", vars: { "--swatch": item.color } }),
          h("span", { class: "legend-name" }, item.name),
        ),
      ),
    );
  }

  private setTable(on: boolean): void {
    this.asTable = on;
    this.image.hidden = on;
    this.tableBox.hidden = !on;
    this.labelToggle();
    this.legend.hidden = on || (this.view?.legend.length ?? 0) === 0;
    if (on && this.view && this.context) this.drawTable(this.view, this.context);
    else this.measure();
  }

  private labelToggle(): void {
    const label = this.asTable ? strings.viewAsChart : strings.viewAsTable;
    setAttribute(this.toggle, "aria-label", `${label}: ${this.widget.title}`);
    setAttribute(this.toggle, "title", label);
    replace(this.toggle, icon(this.asTable ? "chart" : "table"));
  }

  private drawTable(view: ChartView, context: ViewContext): void {
    // What a click in the picture does is in reach of the keyboard here.
    const dimension = this.widget.query.group_by ?? "time";
    const link = (this.widget.kind === "breakdown" || dimension === "time") && isInteractive(context, dimension);
    replace(
      this.tableBox,
      h(
        "table",
        { class: "table" },
        h("thead", {}, h("tr", {}, ...view.table.columns.map((column) => h("th", { class: column.numeric ? "num plain" : "plain", attrs: { scope: "col" } }, column.label)))),
        h(
          "tbody",
          {},
          ...view.table.rows.map((row, index) =>
            h(
              "tr",
              {},
              ...row.map((cell, position) => {
                if (position > 0) return h("td", { class: view.table.columns[position]?.numeric ? "num" : "" }, cell);
                const hit = link ? view.hit(undefined, index) : null;
                return h(
                  "th",
                  { class: "dim", attrs: { scope: "row" } },
                  hit ? h("button", { class: "link", attrs: { type: "button" }, on: { click: () => context.activate(this.widget, hit) } }, cell) : cell,
                );
              }),
            ),
          ),
        ),
      ),
    );
    this.hint.update();
  }

  private measure(): void {
    const { clientWidth: width, clientHeight: height } = this.plot;
    if (width === 0 || height === 0 || (width === this.size.width && height === this.size.height)) return;
    this.size = { width, height };
    if (!this.chart) return;
    this.chart.resize({ width, height });
    this.draw();
  }

  /** Without the library the numbers are still there. */
  private fail(): void {
    if (!this.destroyed && !this.chart && !this.asTable) this.setTable(true);
  }
}

function tooltipElement(model: TooltipModel): HTMLElement {
  return h(
    "div",
    { class: "tip" },
    h("div", { class: "tip-title" }, model.title),
    ...model.rows.map((row) =>
      h(
        "div",
        { class: row.color === null ? "tip-row plain" : "tip-row" },
        row.color !== null && h("span", { class: row.dashed ? "swatch dashed" : "swatch", vars: { "--swatch": row.color } }),
        h("span", { class: "tip-name" }, row.name),
        h("span", { class: "tip-value" }, row.value),
        row.note !== undefined && h("span", { class: "tip-note" }, row.note),
      ),
    ),
  );
}

let canvas: CanvasRenderingContext2D | null = null;

function measureText(text: string, size: number, family: string): number {
  canvas ??= document.createElement("canvas").getContext("2d");
  if (!canvas) return text.length * size * 0.56;
  canvas.font = `${size}px ${family}`;
  return canvas.measureText(text).width;
}
