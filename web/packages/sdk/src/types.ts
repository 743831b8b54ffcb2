/** An event as it happened; see the fields of `POST /v1/events`. The names of the wire (`tenant_id`, `event_name` …) are taken as well. */
export interface EmbanEvent {
  /** Your customer. */
  readonly tenantId: string;
  readonly eventName: string;
  /** The server's time when absent. */
  readonly timestamp?: string | Date;
  /** Made up when absent, so that sending again counts once. */
  readonly eventId?: string;
  readonly userId?: string;
  /** What will be grouped and filtered by. */
  readonly stringProps?: Readonly<Record<string, string>>;
  /** What will be added up and averaged. */
  readonly numericProps?: Readonly<Record<string, number>>;
}

/** An event with the names of the wire. */
export interface WireEvent {
  readonly tenant_id: string;
  readonly event_name: string;
  readonly timestamp?: string | Date;
  readonly event_id?: string;
  readonly user_id?: string;
  readonly string_props?: Readonly<Record<string, string>>;
  readonly numeric_props?: Readonly<Record<string, number>>;
}

export type AnyEvent = EmbanEvent | WireEvent;

/** Why an event was not taken. */
export interface RejectedEvent {
  /** Its place among the events that were given. */
  readonly index: number;
  readonly field?: string;
  readonly code: string;
  readonly expected?: string;
}

export interface IngestResult {
  readonly accepted: number;
  readonly rejected: number;
  readonly status: "ok" | "partial";
  /** Of a request of 1,000 events the server lists the first hundred. */
  readonly errors: readonly RejectedEvent[];
}

export type Period = "1h" | "24h" | "7d" | "30d" | "90d" | "12mo" | { readonly from: string; readonly to: string };

/** A question; what each member means is in docs/queries.md. The names of the wire (`event_name` …) are taken as well. */
export interface Question {
  readonly eventName?: string;
  readonly metric?: string;
  readonly numericProp?: string;
  readonly uniqueProp?: string;
  readonly groupBy?: string;
  readonly groupBy2?: string;
  readonly secondMetric?: string;
  readonly secondNumericProp?: string;
  readonly period?: Period;
  readonly granularity?: "minute" | "hour" | "day" | "week" | "month";
  readonly compare?: "previous_period" | "previous_year";
  readonly limit?: number;
  readonly order?: "asc" | "desc";
  readonly other?: boolean;
  readonly filters?: readonly Readonly<Record<string, unknown>>[];
  readonly [member: string]: unknown;
}

export interface QueryInput {
  readonly query: Question;
  /** One customer; all of the organisation when absent. */
  readonly tenantId?: string;
  readonly kind?: "kpi" | "timeseries" | "breakdown" | "table" | "heatmap";
  readonly filters?: readonly Readonly<Record<string, unknown>>[] | Readonly<Record<string, unknown>>;
  /** IANA name; UTC when absent. */
  readonly timezone?: string;
}

export type Cell = string | number | null;
export type Row = Readonly<Record<string, Cell | undefined>>;

export interface QueryResult {
  /** Find columns by `role` (`time`, `dimension`, `measure`, `comparison`), not by name. */
  readonly columns: readonly { readonly name: string; readonly type: string; readonly role: string }[];
  readonly rows: readonly Row[];
  readonly previous?: { readonly from: string; readonly to: string; readonly rows: readonly Row[] } | null;
  readonly totals?: { readonly rows: readonly Row[]; readonly columns: readonly Row[]; readonly value: number | null };
  readonly meta: {
    readonly from: string;
    readonly to: string;
    readonly granularity: string | null;
    readonly timezone: string;
    readonly rows: number;
    readonly elapsed_ms: number;
    readonly cached: boolean;
    readonly data_as_of: string | null;
    readonly truncated: boolean;
    readonly [member: string]: unknown;
  };
}

/** What a session permits; docs/embedding.md describes each. The names of the wire (`locked_filters` …) are taken as well. */
export interface EmbedPermissions {
  readonly lockedFilters?: Readonly<Record<string, string | readonly string[]>>;
  readonly hiddenWidgets?: readonly string[];
  readonly allowedPeriods?: readonly string[];
  readonly allowedDimensions?: readonly string[];
  readonly allowDrillDown?: boolean;
  readonly maxDateRangeDays?: number;
  readonly allowExport?: boolean;
  readonly allowUnderlyingData?: boolean;
  readonly allowCustomizeLayout?: boolean;
  readonly allowManageWidgets?: boolean;
  readonly [permission: string]: unknown;
}

export interface EmbedSessionInput {
  /** Of the signed-in user, as your own session knows it; never from the request. */
  readonly tenantId: string;
  /** Id or slug of a published dashboard. */
  readonly dashboardId: string | undefined;
  /** Seconds, 60 to 86,400; 3,600 when absent. */
  readonly expiresIn?: number;
  readonly permissions?: EmbedPermissions;
  readonly context?: Readonly<Record<string, unknown>>;
  readonly timezone?: string;
  readonly locale?: string;
  readonly allowedOrigins?: readonly string[];
}

export interface EmbedSession {
  /** For an iframe, `Emban.create` or `EmbanEmbedFrame`. */
  readonly embedUrl: string;
  /** For the web component and `EmbanProvider`. */
  readonly token: string;
  readonly expiresAt: string;
  readonly sessionId: string;
}

/** A live session, without its token. */
export interface EmbedSessionInfo {
  readonly sessionId: string;
  readonly tenantId: string;
  readonly dashboardId: string;
  readonly environment: string;
  readonly permissions: Readonly<Record<string, unknown>>;
  readonly context: Readonly<Record<string, unknown>>;
  readonly timezone: string | null;
  readonly locale: string | null;
  readonly allowedOrigins: readonly string[] | null;
  readonly createdAt: string;
  readonly createdBy: string;
  readonly expiresAt: string;
}

export interface GuestTokenInput {
  /** The tenant. */
  readonly clientId: string;
  readonly dataAppName: string;
  readonly permissions?: {
    readonly isEnableManageMetrics?: boolean;
    readonly isEnableCustomizeLayout?: boolean;
    readonly isEnableUnderlyingData?: boolean;
    readonly isEnableDownloadMetrics?: boolean;
  };
  /** Seconds; 3,600 when absent. */
  readonly expiryTime?: number;
  readonly params?: Readonly<Record<string, unknown>>;
}

export interface GuestToken {
  readonly token: string;
  readonly expiresAt: string;
}

export interface PageOptions {
  /** 1 to 200; 50 when absent. */
  readonly limit?: number;
  /** `nextCursor` of the page before. */
  readonly cursor?: string;
}

export interface Page<Item> {
  readonly data: readonly Item[];
  /** Null on the last page. */
  readonly nextCursor: string | null;
}

/** A dashboard's configuration, as in docs/api.md: names and values are those of the wire, also in answers. */
export interface DashboardInput {
  readonly name?: string;
  readonly slug?: string;
  readonly description?: string;
  readonly timezone?: string;
  readonly live?: boolean;
  readonly layout?: Readonly<Record<string, unknown>>;
  readonly filters?: readonly Readonly<Record<string, unknown>>[];
  readonly theme?: Readonly<Record<string, unknown>>;
  readonly widgets?: readonly Readonly<Record<string, unknown>>[];
  readonly [member: string]: unknown;
}

export interface Dashboard extends DashboardInput {
  readonly id: string;
  readonly name: string;
  readonly slug: string;
  readonly status: "draft" | "published" | "unpublished";
  readonly revision: number;
  readonly published_version: number | null;
}
