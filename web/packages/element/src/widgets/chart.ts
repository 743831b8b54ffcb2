import {
  chartView, colorCount, colorKeys, strings, typicalPick, type ChartView, type LegendItem, type Picked, type QueryResult, type QueryWidget, type TooltipModel,
} from "@emban/core";
import { isPickable, selectedValues, type ViewContext } from "../context";
import { h, icon, replace, setAttribute } from "../dom";
import { loadECharts, type EChart } from "../echarts";
import type { WidgetFace } from "./face";
import { ScrollHint } from "./scroll-hint";
import { pickable } from "./value";

/** A chart drawn by ECharts, with its own legend, and the same numbers as a table on demand. */
export class ChartFace implements WidgetFace {
  readonly element: HTMLElement;
  readonly actions: HTMLElement;

  private readonly plot = h("div", { class: "plot" });
  private readonly image = h("div", { class: "plot-box", attrs: { role: "img" } }, this.plot);
  private readonly legend = h("div", { class: "legend", attrs: { role: "group" } });
  private readonly hintLine = h("p", { class: "chart-hint", attrs: { hidden: true } });
  private readonly tableBox = h("div", { class: "table-scroll", attrs: { hidden: true, tabindex: 0, role: "region" } });
  private readonly hint = new ScrollHint(this.tableBox);
  private readonly plotHint = new ScrollHint(this.image);
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
    this.element = h("div", { class: "chart", attrs: { "data-chart": widget.chart } }, this.legend, this.image, this.tableBox, this.hintLine);
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
    this.plotHint.destroy();
    this.chart?.dispose();
    this.chart = null;
  }

  private start(library: Awaited<ReturnType<typeof loadECharts>>): void {
    const chart = library.init(this.plot, null, { renderer: "svg", width: Math.max(1, this.size.width), height: Math.max(1, this.size.height) });
    this.chart = chart;
    // Points on a line and bars of next to nothing are small: a click anywhere in the plot means the bucket or row under the pointer.
    chart.getZr().on("click", ({ offsetX, offsetY }) => {
      const { view } = this;
      if (view?.locate) this.pick(view.hit(undefined, view.locate(offsetX, offsetY)));
      if (!view?.clickAxis || !chart.containPixel("grid", [offsetX, offsetY])) return;
      const place = chart.convertFromPixel({ xAxisIndex: 0, yAxisIndex: 0 }, [offsetX, offsetY])[view.clickAxis === "x" ? 0 : 1];
      if (place !== undefined) this.pick(view.hit(undefined, Math.round(place)));
    });
    chart.on("click", (event) => {
      const { view } = this;
      // A click in the plot has been heard above; one on the name of a row or column is heard here.
      if (!view || view.locate || (view.clickAxis && event["targetType"] !== "axisLabel")) return;
      if (view.clickAxis && event["componentType"] !== `${view.clickAxis}Axis`) return;
      this.pick(view.hit(typeof event["seriesId"] === "string" ? event["seriesId"] : undefined, indexOf(event)));
    });
    this.draw();
  }

  private pick(picked: Picked | null): void {
    if (picked && this.context && isPickable(this.context, this.widget, picked)) this.context.onPick(this.widget, picked);
  }

  private draw(): void {
    const { result, context } = this;
    if (!result || !context) return;
    const dimension = this.widget.query.group_by ?? "";
    const keys = colorKeys(this.widget, result);
    const view = chartView(this.widget, result, {
      theme: context.theme,
      ...(keys && { slots: context.colors.claim(keys.dimension, keys.values, colorCount(context.theme)) }),
      locale: context.locale,
      timezone: context.timezone,
      width: this.size.width || 480,
      height: this.size.height || 240,
      // The first drawing stands at once; only changes move.
      animate: this.drawn && !context.reducedMotion,
      hidden: this.hidden,
      selected: selectedValues(context, dimension),
      interactive: isPickable(context, this.widget, typicalPick(this.widget)),
      fontFamily: context.fontFamily,
      measure: (text, size) => measureText(text, size, context.fontFamily),
    });
    this.view = view;
    this.image.setAttribute("aria-label", view.summary);
    this.drawLegend(view);
    this.drawHint(view);
    this.stretch(view);
    // The plot turned out to have another size, and has been drawn for it: this view is the older one.
    if (this.view !== view) return;
    if (this.isTable) this.drawTable(view, context);
    if (this.chart && view.problem === undefined) {
      // Whole kinds of components come and go with the data, as when a web becomes bars.
      const kinds = ["series", "xAxis", "yAxis", "grid", "title", "radar", "visualMap"];
      const absent = Object.fromEntries(kinds.filter((kind) => !(kind in view.option)).map((kind) => [kind, []]));
      const still = context.reducedMotion ? { stateAnimation: { duration: 0 } } : {};
      this.chart.setOption({ ...absent, ...view.option, ...still, tooltip: this.tooltip(view, context) }, { replaceMerge: kinds });
      this.drawn = true;
    }
  }

  /** The table stands in for a chart that cannot show these values. */
  private get isTable(): boolean {
    return this.asTable || this.view?.problem !== undefined;
  }

  private drawHint(view: ChartView): void {
    const text = view.problem ?? view.hint ?? "";
    this.hintLine.hidden = text === "";
    this.hintLine.textContent = text;
    this.hintLine.classList.toggle("problem-hint", view.problem !== undefined);
    this.toggle.hidden = view.problem !== undefined;
    this.arrange();
  }

  /** Too many marks for the card: it scrolls over a plot that is as high as they need. */
  private stretch(view: ChartView): void {
    const wanted = view.wantedHeight ?? 0;
    const higher = wanted > this.image.clientHeight + 1 && this.image.clientHeight > 0;
    this.plot.style.height = higher ? `${wanted}px` : "";
    this.image.classList.toggle("scrolls", higher);
    this.plotHint.update();
    this.measure();
  }

  private arrange(): void {
    const table = this.isTable;
    this.image.hidden = table;
    this.tableBox.hidden = !table;
    this.legend.hidden = table || (this.view?.legend.length ?? 0) === 0;
  }

  private tooltip(view: ChartView, context: ViewContext): Record<string, unknown> {
    return {
      trigger: view.trigger,
      className: "tip-box",
      confine: true,
      transitionDuration: context.reducedMotion ? 0 : 0.12,
      backgroundColor: "transparent",
      borderWidth: 0,
      padding: 0,
      extraCssText: "box-shadow:none",
      axisPointer: view.pointer === "shadow"
        ? { type: "shadow", shadowStyle: { color: context.theme.text, opacity: 0.05 } }
        : { type: "line", lineStyle: { color: context.theme.muted, width: 1, type: "solid", opacity: 0.5 } },
      formatter: (parameters: unknown) => {
        const first: unknown = Array.isArray(parameters) ? parameters[0] : parameters;
        const model = view.tooltip(indexOf(first as Record<string, unknown> | undefined));
        return model ? tooltipElement(model) : "";
      },
    };
  }

  private drawLegend(view: ChartView): void {
    this.element.dataset["legend"] = view.legendAt ?? "top";
    this.legend.setAttribute("aria-label", this.widget.title);
    replace(this.legend, ...view.legend.map((item) => this.legendItem(item, view)));
  }

  private legendItem(item: LegendItem, view: ChartView): HTMLElement {
    const mark = (type: string) => this.chart?.dispatchAction(view.legendAt === "side" ? { type, seriesId: "s:", name: item.name } : { type, seriesId: `s:${item.key}` });
    return h(
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
          pointerenter: () => mark("highlight"),
          pointerleave: () => mark("downplay"),
        },
      },
      h("span", { class: item.dashed ? "swatch dashed" : "swatch", vars: { "--swatch": item.color } }),
      h("span", { class: "legend-name" }, item.name),
      item.value !== undefined && h("span", { class: "legend-value" }, item.value),
      item.note !== undefined && h("span", { class: "legend-note" }, item.note),
    );
  }

  private setTable(on: boolean): void {
    this.asTable = on;
    this.labelToggle();
    this.arrange();
    if (this.isTable && this.view && this.context) this.drawTable(this.view, this.context);
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
    const inside = (text: string, row: number, column: number) => {
      const picked = text === "" ? null : view.cellHit ? view.cellHit(row, column) : column === 0 ? view.hit(undefined, row) : null;
      const name = column === 0 ? text : `${view.table.rows[row]?.[0] ?? ""}, ${view.table.columns[column]?.label ?? ""}`;
      return pickable(context, this.widget, picked, text, name);
    };
    replace(
      this.tableBox,
      h(
        "table",
        { class: "table" },
        h("thead", {}, h("tr", {}, ...view.table.columns.map((column) => h("th", { class: column.numeric ? "num plain" : "plain", attrs: { scope: "col" } }, column.label)))),
        h(
          "tbody",
          {},
          ...view.table.rows.map((cells, row) =>
            h(
              "tr",
              {},
              ...cells.map((text, column) =>
                column === 0
                  ? h("th", { class: "dim", attrs: { scope: "row", title: text } }, inside(text, row, column))
                  : h("td", { class: view.table.columns[column]?.numeric ? "num" : "" }, inside(text, row, column)),
              ),
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

/** The position of a mark: the one it carries where some are left out or come in another order, else its own. */
function indexOf(event: Readonly<Record<string, unknown>> | undefined): number {
  const carried = (event?.["data"] as { index?: unknown } | null | undefined)?.index;
  if (typeof carried === "number") return carried;
  const own = event?.["dataIndex"];
  return typeof own === "number" ? own : -1;
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
