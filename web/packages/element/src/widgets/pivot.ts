import { formatOf, formatValue, pivotModel, sortPivot, strings, type PivotModel, type PivotRow, type PivotSort, type QueryResult, type QueryWidget } from "@emban/core";
import type { ViewContext } from "../context";
import { h, icon, replace } from "../dom";
import type { WidgetFace } from "./face";
import { ScrollHint } from "./scroll-hint";
import { pickable } from "./value";

/** Values of one dimension down, of another across, with totals; head and first column stay in sight, and every column sorts. */
export class PivotFace implements WidgetFace {
  readonly element = h("div", { class: "table-scroll", attrs: { tabindex: 0, role: "region" } });
  private readonly hint = new ScrollHint(this.element);
  private readonly status = h("div", { class: "sr", attrs: { role: "status" } });
  private sort: { readonly what: PivotSort; readonly ascending: boolean } | null = null;

  constructor(private readonly widget: QueryWidget) {
    this.element.setAttribute("aria-label", widget.title);
  }

  show(result: QueryResult, context: ViewContext): void {
    const model = pivotModel(this.widget, result);
    const rows = this.sort ? sortPivot(model, this.sort.what, this.sort.ascending, context.locale) : model.rows;
    const say = (value: number | null) => (value === null ? strings.noValue : formatValue(value, formatOf(this.widget), context.locale));
    const head = (label: string, what: PivotSort, name: string) => this.head(label, what, name, result, context);
    const { scrollLeft, scrollTop } = this.element;
    replace(
      this.element,
      h(
        "table",
        { class: "table pivot" },
        h("caption", { class: "sr" }, strings.summaryPivot(this.widget.title, model.rows.length, model.columns.length)),
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            head(`${model.rowLabel} / ${model.columnLabel}`, { by: "name" }, "name"),
            ...model.columns.map((column) => head(column.label, { by: "column", key: column.key }, `column ${column.key}`)),
            model.hasTotals && head(strings.total, { by: "total" }, "total"),
          ),
        ),
        h("tbody", {}, ...rows.map((row) => this.row(row, model, say, context))),
        model.hasTotals &&
          h(
            "tfoot",
            {},
            h(
              "tr",
              {},
              h("th", { class: "dim", attrs: { scope: "row" } }, strings.total),
              ...model.columns.map((column) => h("td", { class: "num" }, say(column.total))),
              h("td", { class: "num total" }, say(model.total)),
            ),
          ),
      ),
      result.meta.truncated === true && h("p", { class: "cut" }, strings.cut(rows.length)),
      this.status,
    );
    this.element.scrollTo(scrollLeft, scrollTop);
    this.hint.update();
  }

  destroy(): void {
    this.hint.destroy();
  }

  private row(row: PivotRow, model: PivotModel, say: (value: number | null) => string, context: ViewContext): HTMLElement {
    const own = { dimension: model.rowDimension, value: row.key };
    const shaded = this.widget.options?.heat !== false && model.peak > 0;
    return h(
      "tr",
      {},
      h("th", { class: "dim", attrs: { scope: "row", title: row.label } }, pickable(context, this.widget, own, row.label)),
      ...model.columns.map((column, index) => {
        const value = row.cells[index] ?? null;
        const picked = value === null ? null : { ...own, secondDimension: model.columnDimension, secondValue: column.key };
        const heat = shaded && value !== null ? { "--heat": String(Math.min(1, Math.abs(value) / model.peak)) } : {};
        return h("td", { class: value === null ? "num none" : shaded ? "num heat" : "num", vars: heat }, pickable(context, this.widget, picked, say(value), `${row.label}, ${column.label}`));
      }),
      model.hasTotals && h("td", { class: "num total" }, say(row.total)),
    );
  }

  private head(label: string, what: PivotSort, name: string, result: QueryResult, context: ViewContext): HTMLElement {
    const active = this.sort !== null && JSON.stringify(this.sort.what) === JSON.stringify(what);
    const ascending = active && this.sort?.ascending === true;
    const toggle = () => {
      // Numbers are first wanted from the top, names from A.
      this.sort = { what, ascending: active ? !ascending : what.by === "name" };
      this.show(result, context);
      this.status.textContent = strings.sortedBy(label, this.sort.ascending);
      this.element.querySelector<HTMLElement>(`th[data-column="${CSS.escape(name)}"] button`)?.focus();
    };
    return h(
      "th",
      {
        class: what.by === "name" ? "" : what.by === "total" ? "num total" : "num",
        attrs: { scope: "col", "data-column": name, "aria-sort": active ? (ascending ? "ascending" : "descending") : "none", title: label },
      },
      h("button", { class: "sort", attrs: { type: "button", title: strings.sortBy(label) }, on: { click: toggle } }, h("span", { class: "sort-name" }, label), icon(ascending ? "sortUp" : "sortDown", 14)),
    );
  }
}
