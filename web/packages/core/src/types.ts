/** Shapes that travel between the server and the viewer: `GET /v1/embed/dashboard` and `POST /v1/embed/query`. */

export type ColumnRole = "time" | "dimension" | "measure" | "comparison" | "share" | string;
export type Cell = string | number | null;
export type Row = Readonly<Record<string, Cell | undefined>>;

export interface Column {
  readonly name: string;
  readonly type: "datetime" | "string" | "number" | string;
  readonly role: ColumnRole;
}

export interface ResultMeta {
  readonly from: string;
  readonly to: string;
  readonly granularity?: Granularity | null;
  readonly timezone?: string;
  readonly rows?: number;
  readonly elapsed_ms?: number;
  readonly cached?: boolean;
  readonly data_as_of?: string | null;
  readonly truncated?: boolean;
}

export interface QueryResult {
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
  readonly previous?: { readonly from: string; readonly to: string; readonly rows: readonly Row[] } | null;
  /** Of a pivot: the metric over all events of each row, of each column, and of all, shown or not. */
  readonly totals?: { readonly rows: readonly Row[]; readonly columns: readonly Row[]; readonly value: number | null };
  readonly meta: ResultMeta;
}

export type Granularity = "minute" | "hour" | "day" | "week" | "month";

export interface WidgetQuery {
  readonly event_name?: string;
  readonly metric: string;
  readonly numeric_prop?: string;
  readonly unique_prop?: string;
  /** Measured beside the first one: the right axis of `dual_axis`, the height of a `scatter` point, one more column of a table. */
  readonly second_metric?: string;
  readonly second_numeric_prop?: string;
  readonly group_by?: string;
  /** The columns of a pivot. */
  readonly group_by_2?: string;
  /** One more row for all groups beyond `limit`; its dimension is null. */
  readonly other?: boolean;
  readonly period?: string | DateRange;
  readonly granularity?: Granularity;
  readonly compare?: "previous_period" | "previous_year" | string;
  readonly limit?: number;
  readonly order?: "asc" | "desc";
}

export interface ValueFormat {
  readonly style?: "number" | "percent" | "currency" | "duration" | "bytes" | string;
  readonly decimals?: number;
  /** Unit of the stored number: `ms`, `s`, `min`, `h` for durations; an ISO 4217 code for currencies (`USD` when absent); `ratio` for percent in 0…1; else a suffix. */
  readonly unit?: string;
}

export interface Threshold {
  readonly value: number;
  readonly color?: string;
}

export interface WidgetOptions {
  /** Of `progress` and `gauge`. */
  readonly target?: number;
  readonly target_label?: string;
  /** Ends of a gauge. */
  readonly min?: number;
  readonly max?: number;
  /** From each value on a gauge has its colour; without one green, amber and red, or the reverse where more is better. */
  readonly thresholds?: readonly Threshold[];
  /** Format and name of the second metric; guessed like those of the first when absent. */
  readonly second_format?: ValueFormat;
  readonly second_label?: string;
  /** Whether a pivot shades its cells by value; it does when absent. */
  readonly heat?: boolean;
  /** Content of a text. */
  readonly markdown?: string;
  readonly color?: string;
  readonly smooth?: boolean;
  readonly show_legend?: boolean;
  readonly stacked?: boolean;
  readonly columns?: readonly string[];
  /** Which way is an improvement; guessed from metric and property when absent. */
  readonly good_direction?: "up" | "down" | "none";
  /** What a click on a value does; see `clickEffect`. */
  readonly on_click?: "filter" | "drill" | "none";
}

export interface WidgetConfig {
  readonly id: string;
  readonly title: string;
  readonly description?: string;
  readonly kind: string;
  readonly chart: string;
  readonly position: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  /** Absent for widgets that show no data, such as texts. */
  readonly query?: WidgetQuery;
  readonly format?: ValueFormat;
  readonly options?: WidgetOptions;
  /** Added by the viewer, who may remove it. */
  readonly own?: boolean;
}

/** A widget that shows data. */
export type QueryWidget = WidgetConfig & { readonly query: WidgetQuery };

export interface FilterConfig {
  readonly id: string;
  readonly type: "period" | "select" | "multi_select" | "numeric_range" | "date_range" | string;
  readonly label?: string;
  readonly dimension?: string;
  readonly property?: string;
  /** Of the type `period` only. */
  readonly default?: string;
  readonly options?: readonly string[];
}

export interface Theme {
  readonly primaryColor?: string;
  readonly backgroundColor?: string;
  readonly cardBackground?: string;
  readonly cardBorder?: string;
  readonly textColor?: string;
  readonly mutedColor?: string;
  readonly fontFamily?: string;
  readonly logoUrl?: string;
  readonly palette?: readonly string[];
  readonly mode?: "light" | "dark" | "auto";
  readonly poweredBy?: boolean;
}

export interface DashboardConfig {
  readonly id: string;
  readonly slug?: string;
  readonly name: string;
  readonly description?: string;
  readonly version?: number;
  readonly published_at?: string;
  readonly layout: { readonly columns?: number; readonly row_height?: number };
  readonly theme?: Theme;
  /** Whether open dashboards refresh by themselves when events arrive. */
  readonly live?: boolean;
  readonly filters: readonly FilterConfig[];
  readonly widgets: readonly WidgetConfig[];
  readonly permissions: {
    readonly allowed_periods?: readonly string[] | null;
    readonly allowed_dimensions?: readonly string[] | null;
    readonly allow_drill_down?: boolean;
    readonly allow_export?: boolean;
    readonly max_date_range_days?: number;
    readonly locked_dimensions?: readonly string[];
    /** Events behind a value; `drill.rows` says so, too. */
    readonly allow_underlying_data?: boolean;
    /** The viewer may move and resize the widgets, for themselves. */
    readonly allow_customize_layout?: boolean;
    /** The viewer may add widgets, for themselves. */
    readonly allow_manage_widgets?: boolean;
  };
  /** What the session may open; absent in answers of older servers. */
  readonly dashboards?: readonly { readonly id: string; readonly slug?: string; readonly name: string }[];
  /** The places of the widgets are the viewer's own. */
  readonly customized?: boolean;
  /** What the session may open behind a value; absent in answers of older servers. */
  readonly drill?: { readonly dimensions: readonly string[]; readonly rows: boolean };
  readonly session: {
    readonly tenant_id?: string;
    readonly expires_at?: string;
    readonly server_time?: string;
    readonly timezone?: string;
    readonly locale?: string;
  };
}

/** Place and size of each widget, by its id, in units of the grid. */
export type Positions = Readonly<Record<string, WidgetConfig["position"]>>;

/** What a viewer's own widgets may be made of. */
export interface Vocabulary {
  readonly events: readonly string[];
  /** Whether a widget may count events of every name. */
  readonly allEvents: boolean;
  readonly dimensions: readonly string[];
  readonly measures: readonly string[];
  /** What may be counted once for each value. */
  readonly uniques: readonly string[];
  readonly maxWidgets: number;
}

/** A widget that is not there yet. */
export type WidgetDraft = Pick<WidgetConfig, "title" | "kind" | "chart" | "query"> & Partial<Pick<WidgetConfig, "position" | "format" | "options">>;

export interface DateRange {
  readonly from: string;
  readonly to: string;
}

export interface NumericRange {
  readonly min?: number;
  readonly max?: number;
}

/** Filters as the host page gives and receives them (CONTRACT §6). */
export interface Filters {
  readonly period?: string | null;
  readonly dimensions?: Readonly<Record<string, string | readonly string[]>> | null;
  readonly numericRanges?: Readonly<Record<string, NumericRange>> | null;
  readonly dateRanges?: DateRange | null;
}

export interface FilterValue {
  readonly value: string;
  readonly count?: number;
}

export interface FilterValues {
  readonly dimension: string;
  readonly values: readonly FilterValue[];
  readonly truncated?: boolean;
}
