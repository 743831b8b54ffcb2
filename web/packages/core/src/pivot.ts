import { humanize } from "./format";
import { columnOf, keyIn, nameOfKey, numberIn, numbers } from "./result";
import type { QueryResult, QueryWidget, Row } from "./types";

export interface PivotHead {
  readonly key: string;
  readonly label: string;
  /** The metric over all events of this row or column; null when the server did not say. */
  readonly total: number | null;
}

export interface PivotRow extends PivotHead {
  /** One per column; null where there were no events. */
  readonly cells: readonly (number | null)[];
}

export interface PivotModel {
  readonly rowDimension: string;
  readonly columnDimension: string;
  readonly rowLabel: string;
  readonly columnLabel: string;
  readonly columns: readonly PivotHead[];
  readonly rows: readonly PivotRow[];
  readonly total: number | null;
  readonly hasTotals: boolean;
  /** Largest absolute value of a cell, for shading. */
  readonly peak: number;
}

/** The long form `{row, column, value}` as a table; rows and columns in the order of the totals, else as they first appear. */
export function pivotModel(widget: QueryWidget, result: QueryResult): PivotModel {
  const dimensions = result.columns.filter((column) => column.role === "dimension").map((column) => column.name);
  const [down = "row", across = "column"] = dimensions;
  const measure = columnOf(result, "measure")?.name ?? "value";
  const { totals } = result;
  const heads = (name: string, given: readonly Row[] | undefined): readonly PivotHead[] => {
    const known = new Map((given ?? []).map((row) => [keyIn(row, name), numberIn(row, measure)]));
    const keys = [...new Set([...known.keys(), ...result.rows.map((row) => keyIn(row, name))])];
    return keys.map((key) => ({ key, label: nameOfKey(key), total: known.get(key) ?? null }));
  };
  const columns = heads(across, totals?.columns);
  const cells = new Map(result.rows.map((row) => [JSON.stringify([keyIn(row, down), keyIn(row, across)]), numberIn(row, measure)]));
  const rows = heads(down, totals?.rows).map((head) => ({ ...head, cells: columns.map((column) => cells.get(JSON.stringify([head.key, column.key])) ?? null) }));
  const rowDimension = widget.query.group_by ?? down;
  const columnDimension = widget.query.group_by_2 ?? across;
  return {
    rowDimension,
    columnDimension,
    rowLabel: humanize(rowDimension),
    columnLabel: humanize(columnDimension),
    columns,
    rows,
    total: totals?.value ?? null,
    hasTotals: totals !== undefined,
    peak: Math.max(0, ...numbers([...cells.values()]).map(Math.abs)),
  };
}

/** By a column's key, by the total or by the name of the row; absent values last both ways. */
export type PivotSort = { readonly by: "name" | "total" } | { readonly by: "column"; readonly key: string };

export function sortPivot(model: PivotModel, sort: PivotSort, ascending: boolean, locale: string): readonly PivotRow[] {
  const collator = new Intl.Collator(locale, { numeric: true, sensitivity: "base" });
  const position = sort.by === "column" ? model.columns.findIndex((column) => column.key === sort.key) : -1;
  const sign = ascending ? 1 : -1;
  const value = (row: PivotRow) => (sort.by === "total" ? row.total : row.cells[position] ?? null);
  return model.rows
    .map((row, index) => ({ row, index }))
    .sort((a, b) => {
      if (sort.by === "name") return collator.compare(a.row.label, b.row.label) * sign || a.index - b.index;
      const [x, y] = [value(a.row), value(b.row)];
      if (x === null || y === null) return x === y ? a.index - b.index : x === null ? 1 : -1;
      return (x - y) * sign || a.index - b.index;
    })
    .map(({ row }) => row);
}
