import {
  deltaOf, exactTime, formatOf, formatShare, formatValue, keyIn, labelOf, nameOfKey, numberIn, secondFormatOf, sortRows, strings, tableColumns, textIn,
  type QueryResult, type Row, type TableColumn, type QueryWidget,
} from "@emban/core";
import type { ViewContext } from "../context";
import { h, icon, replace } from "../dom";
import type { WidgetFace } from "./face";
import { ScrollHint } from "./scroll-hint";
import { deltaBadge, pickable } from "./value";

/** Sortable by the buttons in its header; stays readable on small screens by scrolling sideways under a fixed first column. */
export class TableFace implements WidgetFace {
  readonly element = h("div", { class: "table-scroll", attrs: { tabindex: 0, role: "region" } });
  private readonly hint = new ScrollHint(this.element);
  private sort: { column: string; ascending: boolean } | null = null;
  private readonly status = h("div", { class: "sr", attrs: { role: "status" } });

  constructor(private readonly widget: QueryWidget) {
    this.element.setAttribute("aria-label", widget.title);
  }

  show(result: QueryResult, context: ViewContext): void {
    const columns = tableColumns(this.widget, result);
    const dimension = columns.find((column) => column.kind === "dimension")?.name;
    const isOther = (row: Row) => dimension !== undefined && row[dimension] === null;
    const sorted = columns.find((column) => column.name === this.sort?.column);
    const rows = sorted && this.sort ? sortRows(result.rows, sorted, this.sort.ascending, context.locale, dimension) : result.rows;
    const focused = this.focusedColumn();
    replace(
      this.element,
      h(
        "table",
        { class: "table" },
        h("thead", {}, h("tr", {}, ...columns.map((column) => this.head(column, result, context)))),
        h("tbody", {}, ...rows.map((row) => h("tr", isOther(row) ? { class: "other" } : {}, ...columns.map((column) => this.cell(column, row, context))))),
      ),
      result.meta.truncated === true && !rows.some(isOther) && h("p", { class: "cut" }, strings.cut(rows.length)),
      this.status,
    );
    this.hint.update();
    if (focused !== null) this.element.querySelector<HTMLElement>(`th[data-column="${CSS.escape(focused)}"] button`)?.focus();
  }

  destroy(): void {
    this.hint.destroy();
  }

  private head(column: TableColumn, result: QueryResult, context: ViewContext): HTMLElement {
    const active = this.sort?.column === column.name;
    const ascending = active && this.sort?.ascending === true;
    const toggle = () => {
      // Numbers are first wanted from the top, names from A.
      this.sort = { column: column.name, ascending: active ? !ascending : !column.numeric };
      this.show(result, context);
      this.status.textContent = strings.sortedBy(column.label, this.sort.ascending);
    };
    return h(
      "th",
      {
        class: column.numeric ? "num" : "",
        attrs: { scope: "col", "data-column": column.name, "aria-sort": active ? (ascending ? "ascending" : "descending") : "none" },
      },
      h(
        "button",
        { class: "sort", attrs: { type: "button", title: strings.sortBy(column.label) }, on: { click: toggle } },
        h("span", {}, column.label),
        icon(ascending ? "sortUp" : "sortDown", 14),
      ),
    );
  }

  private cell(column: TableColumn, row: Row, context: ViewContext): HTMLElement {
    switch (column.kind) {
      case "dimension": {
        const key = keyIn(row, column.name);
        const dimension = this.widget.query.group_by ?? column.name;
        const label = nameOfKey(key);
        return h("th", { class: "dim", attrs: { scope: "row", title: label } }, pickable(context, this.widget, { dimension, value: key }, label));
      }
      case "time":
        return h("td", {}, exactTime(textIn(row, column.name), context));
      case "share": {
        const share = numberIn(row, column.name);
        return h(
          "td",
          { class: "num share" },
          h("span", { class: "meter", vars: { "--ratio": String(share ?? 0) } }),
          h("span", { class: "share-text" }, formatShare(share, context.locale)),
        );
      }
      case "change": {
        const delta = deltaOf(this.widget, row, context);
        return h(
          "td",
          { class: "num", attrs: { title: delta ? strings.comparedTo(delta.previousText) : null } },
          delta ? deltaBadge(delta) : strings.noValue,
        );
      }
      case "measure":
      case "previous":
        return h(
          "td",
          { class: `num ${column.kind}` },
          formatValue(numberIn(row, column.name), formatOf(this.widget), context.locale),
        );
      case "second":
        return h("td", { class: "num" }, formatValue(numberIn(row, column.name), secondFormatOf(this.widget), context.locale));
      case "number":
        return h("td", { class: "num" }, formatValue(numberIn(row, column.name), {}, context.locale));
      default:
        return h("td", {}, labelOf(row[column.name]));
    }
  }

  private focusedColumn(): string | null {
    const root = this.element.getRootNode();
    const active = root instanceof ShadowRoot || root instanceof Document ? root.activeElement : null;
    const cell = active?.closest("th[data-column]");
    return cell && this.element.contains(cell) ? cell.getAttribute("data-column") : null;
  }
}
