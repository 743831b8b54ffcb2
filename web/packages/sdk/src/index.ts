export { Batcher, type BatcherOptions, type BatcherStats, type CloseOptions } from "./batcher";
export { EmbanClient, type EmbanOptions } from "./client";
export { Dashboards, type RevisionOptions } from "./dashboards";
export { EmbanError, type EmbanErrorDetail } from "./errors";
export type { StoredEvent } from "./events";
export { IngestError } from "./ingest";
export type { FetchLike, RequestOptions } from "./transport";
export type {
  AnyEvent, Cell, Dashboard, DashboardInput, EmbanEvent, EmbedPermissions, EmbedSession, EmbedSessionInfo, EmbedSessionInput, GuestToken,
  GuestTokenInput, IngestResult, Page, PageOptions, Period, QueryInput, QueryResult, Question, RejectedEvent, Row, WireEvent,
} from "./types";
export { EmbanClient as default } from "./client";
