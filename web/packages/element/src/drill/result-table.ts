import {
  columnOf, drillStrings, exactTime, formatOf, formatShare, formatValue, humanize, labelOf, numberIn, sortRows, strings, textIn,
  type DrillState, type QueryResult, type QueryWidget, type Row, type TableColumn,
} from "@emban/core";
import { dimensionLabel, type ViewContext } from "../context";
import { h, icon, keepFocus, replace } from "../dom";

interface Sort {
  readonly column: string;
  readonly ascending: boolean;
}

/** What a drill panel lists: values with their measure, each of which opens the next level, or events. Sortable by each column. */
export class ResultTable {
  private sort: Sort | null = null;
  private sorted = "";

  constructor(private readonly widget: QueryWidget, private readonly openValue: (value: string) => void) {}

  draw(box: HTMLElement, state: DrillState, context: ViewContext): void {
    const { result, tab, next } = state;
    if (!result) return;
    const listed = `${tab} ${tab === "groups" ? next ?? "" : ""}`;
    if (listed !== this.sorted) this.sort = null;
    this.sorted = listed;
    const columns = tab === "groups" ? this.groupColumns(result, next ?? "", context) : this.rowColumns(result, state, context);
    const by = columns.find((column) => column.name === this.sort?.column);
    const rows = by && this.sort ? sortRows(result.rows, by, this.sort.ascending, context.locale) : result.rows;
    const measure = columnOf(result, "measure")?.name ?? "value";
    const peak = Math.max(0, ...result.rows.map((row) => Math.abs(numberIn(row, measure) ?? 0)));
    const cell = tab === "groups" ? this.groupCell(measure, peak, state, context) : this.rowCell(context);
    keepFocus(box, () =>
      replace(
        box,
        h(
          "table",
          { class: `table drill-table ${tab}` },
          h("thead", {}, h("tr", {}, ...columns.map((column) => this.head(column, () => this.draw(box, state, context))))),
          h("tbody", {}, ...rows.map((row) => h("tr", {}, ...columns.map((column) => cell(column, row))))),
        ),
      ),
    );
  }

  private groupColumns(result: QueryResult, dimension: string, context: ViewContext): readonly TableColumn[] {
    const { metric } = this.widget.query;
    const columns: TableColumn[] = [];
    for (const { name, role } of result.columns) {
      if (role === "dimension") columns.push({ name, label: dimensionLabel(context, dimension), kind: "dimension", numeric: false });
      else if (name === "share") columns.push({ name, label: strings.share, kind: "share", numeric: true });
      else if (role === "measure" && !columns.some((column) => column.kind === "measure")) {
        columns.push({ name, label: strings.metrics[metric] ?? strings.value, kind: "measure", numeric: true });
      }
    }
    return columns;
  }

  /** Without columns in which every event is empty, or the same because it was opened. */
  private rowColumns(result: QueryResult, state: DrillState, context: ViewContext): readonly TableColumn[] {
    const opened = new Set(state.levels.map((level) => level.dimension));
    if (this.widget.query.event_name !== undefined) opened.add("event_name");
    return result.columns
      .filter(({ name, role }) => role === "time" || (!opened.has(name) && result.rows.some((row) => row[name] !== null && row[name] !== undefined && row[name] !== "")))
      .map(({ name, role, type }) => {
        const own = name.replace(/_$/, "");
        if (role === "time" || type === "datetime") return { name, label: strings.time, kind: "time" as const, numeric: false };
        if (type === "number") return { name, label: humanize(own), kind: "number" as const, numeric: true };
        return { name, label: dimensionLabel(context, own), kind: "text" as const, numeric: false };
      });
  }

  private groupCell(measure: string, peak: number, state: DrillState, context: ViewContext): (column: TableColumn, row: Row) => HTMLElement {
    const format = formatOf(this.widget);
    // At the last level there is nothing further to open.
    const opens = state.choices.length > 1 || state.tabs.includes("rows");
    return (column, row) => {
      if (column.kind === "dimension") {
        const value = textIn(row, column.name);
        const label = labelOf(value);
        const ratio = peak > 0 ? Math.abs(numberIn(row, measure) ?? 0) / peak : 0;
        const bar = h("span", { class: "list-bar", vars: { "--ratio": String(ratio) } });
        const text = h("span", { class: "list-label", attrs: { title: label } }, label);
        const isOther = row[column.name] === null;
        return h(
          "th",
          { class: "drill-value", attrs: { scope: "row" } },
          opens && !isOther
            ? h("button", { class: "list-head", attrs: { type: "button", title: drillStrings.openValue(label) }, on: { click: () => this.openValue(value) } }, bar, text)
            : h("span", { class: "list-head" }, bar, isOther ? strings.other : text),
        );
      }
      const number = numberIn(row, column.name);
      return column.kind === "share"
        ? h("td", { class: "num drill-share" }, formatShare(number, context.locale))
        : h("td", { class: "num measure" }, formatValue(number, format, context.locale));
    };
  }

  private rowCell(context: ViewContext): (column: TableColumn, row: Row) => HTMLElement {
    const { numeric_prop: property, metric } = this.widget.query;
    const format = metric.startsWith("count") ? {} : formatOf(this.widget);
    return (column, row) => {
      if (column.kind === "time") return h("th", { class: "drill-time", attrs: { scope: "row" } }, exactTime(textIn(row, column.name), context));
      if (column.numeric) {
        const isMeasured = column.name.replace(/_$/, "") === property;
        return h("td", { class: "num" }, formatValue(numberIn(row, column.name), isMeasured ? format : {}, context.locale));
      }
      const text = labelOf(row[column.name]);
      return h("td", { class: "drill-text", attrs: { title: text } }, text);
    };
  }

  private head(column: TableColumn, draw: () => void): HTMLElement {
    const active = this.sort?.column === column.name;
    const ascending = active && this.sort?.ascending === true;
    return h(
      "th",
      { class: column.numeric ? "num" : "", attrs: { scope: "col", "aria-sort": active ? (ascending ? "ascending" : "descending") : "none" } },
      h(
        "button",
        {
          class: "sort",
          attrs: { type: "button", title: strings.sortBy(column.label), "data-key": `sort-${column.name}` },
          on: {
            click: () => {
              this.sort = { column: column.name, ascending: active ? !ascending : column.kind === "dimension" || column.kind === "text" };
              draw();
            },
          },
        },
        h("span", {}, column.label),
        icon(ascending ? "sortUp" : "sortDown", 14),
      ),
    );
  }
}
