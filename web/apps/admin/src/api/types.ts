import type { FilterConfig, Theme, WidgetConfig } from "@emban/core";

export interface Page<T> {
  readonly data: readonly T[];
  readonly next_cursor: string | null;
}

export type Role = "owner" | "admin" | "editor" | "member";

export interface User {
  readonly id: string;
  readonly email: string;
  readonly name: string;
  readonly role: Role;
  readonly created_at: string;
}

export interface Organization {
  readonly id: string;
  readonly name: string;
  readonly plan: string;
  readonly allowed_origins: readonly string[];
  readonly retention_days?: number | null;
  readonly time_zone?: string | null;
  readonly branding?: Theme | null;
  readonly created_at: string;
}

export interface ApiKey {
  readonly id: string;
  readonly name: string;
  readonly scope: "admin" | "ingest";
  readonly environment: string;
  readonly prefix: string;
  readonly created_at: string;
  readonly created_by: string;
  readonly last_used_at: string | null;
  /** In the answer to its making only. */
  readonly key?: string;
}

export interface Dimension {
  readonly name: string;
  readonly events: number;
  readonly cardinality: number;
  readonly top_values: readonly { readonly value: string; readonly count: number }[];
}

export interface NumericProperty {
  readonly name: string;
  readonly events: number;
  readonly min: number;
  readonly max: number;
  readonly avg: number;
  readonly p50: number;
  readonly p95: number;
}

export interface EventType {
  readonly event_name: string;
  readonly count: number;
  readonly first_seen: string;
  readonly last_seen: string;
  readonly tenants: number;
  readonly sampled: number;
  readonly dimensions: readonly Dimension[];
  readonly numeric_properties: readonly NumericProperty[];
}

export interface Discovery {
  readonly events: readonly EventType[];
}

export interface Tenant {
  readonly tenant_id: string;
  readonly events: number;
  readonly first_seen: string;
  readonly last_seen: string;
}

export interface StoredEvent {
  readonly tenant_id: string;
  readonly event_name: string;
  readonly timestamp: string;
  readonly event_id: string | null;
  readonly user_id: string | null;
  readonly string_props: Readonly<Record<string, string>>;
  readonly numeric_props: Readonly<Record<string, number>>;
}

/** What a dashboard is made of: the file that people export, import and apply. */
export interface DraftConfig {
  readonly name: string;
  readonly slug?: string;
  readonly description?: string;
  readonly timezone?: string;
  readonly live?: boolean;
  readonly layout?: { readonly columns?: number; readonly row_height?: number };
  readonly filters?: readonly DraftFilter[];
  readonly theme?: Theme;
  readonly widgets?: readonly DraftWidget[];
}

export type DraftFilter = FilterConfig & { readonly value?: string };
export type DraftWidget = WidgetConfig & { readonly query?: WidgetConfig["query"] & { readonly filters?: readonly QueryFilter[] } };

export type QueryFilter =
  | { readonly dimension: string; readonly op?: "eq" | "neq" | "in" | "not_in" | "contains"; readonly values: readonly string[] }
  | { readonly property: string; readonly op: "gte" | "lte" | "between"; readonly values: readonly number[] };

export interface DashboardSummary {
  readonly id: string;
  readonly name: string;
  readonly slug: string;
  readonly status: "draft" | "published" | "unpublished";
  readonly revision: number;
  readonly published_version: number | null;
  readonly last_version: number;
  readonly created_at: string;
  readonly created_by: string;
  readonly updated_at: string;
  readonly updated_by: string;
}

export type Dashboard = DashboardSummary & DraftConfig;

export interface Version {
  readonly dashboard_id: string;
  readonly version: number;
  readonly name: string;
  readonly revision: number;
  readonly published_at: string;
  readonly published_by: string;
  readonly live: boolean;
  readonly config?: DraftConfig;
}

export interface EmbedSession {
  readonly session_id: string;
  readonly tenant_id: string;
  readonly dashboard_id: string;
  readonly environment?: string;
  readonly created_at: string;
  readonly created_by?: string;
  readonly expires_at: string;
  readonly permissions?: Readonly<Record<string, unknown>>;
}

export interface IssuedSession {
  readonly token: string;
  readonly embed_url: string;
  readonly expires_at: string;
  readonly session_id: string;
}

export interface Member {
  readonly id: string;
  readonly email: string;
  readonly name: string;
  readonly role: Role;
  readonly created_at: string;
  readonly last_seen_at: string | null;
}

export interface Invite {
  readonly id: string;
  readonly email: string;
  readonly role: Role;
  readonly created_at: string;
  readonly created_by: string;
  readonly expires_at: string;
  readonly delivery?: "mail" | "link";
  /** Shown once, where no mail went out. */
  readonly link?: string | null;
}

export interface ConsoleSession {
  readonly id: string;
  readonly organization_id: string;
  readonly created_at: string;
  readonly last_seen_at: string;
  readonly expires_at: string;
  readonly address: string | null;
  readonly user_agent: string | null;
  readonly current: boolean;
}

export interface AuditEntry {
  readonly id: string;
  readonly at: string;
  readonly actor: { readonly id: string; readonly kind: string; readonly name: string | null; readonly email: string | null };
  readonly action: string;
  readonly entity: string;
  readonly entity_id: string;
  readonly address: string | null;
  readonly before: unknown;
  readonly after: unknown;
}

export interface Usage {
  readonly environment: string;
  readonly from: string;
  readonly to: string;
  readonly days: readonly { readonly date: string; readonly events: number; readonly tenants: number }[];
  readonly months: readonly { readonly month: string; readonly events: number }[];
  readonly events: number;
  readonly tenants: number;
  readonly tenants_total: number;
  readonly members: number;
  readonly invites: number;
  readonly api_keys: number;
  readonly dashboards: number;
  readonly published_dashboards: number;
  readonly embed_sessions: number;
}
