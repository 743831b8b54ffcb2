import type { DraftWidget, QueryFilter } from "../api/types";

/** How a property is written in SQL: the server's own name for it, else a quoted path. */
export type Naming = (column: string) => string;

const aggregates: Readonly<Record<string, (value: string) => string>> = {
  sum: (value) => `sum(${value})`, avg: (value) => `avg(${value})`, min: (value) => `min(${value})`, max: (value) => `max(${value})`,
  p50: (value) => `quantileExactInclusive(0.5)(${value})`, p90: (value) => `quantileExactInclusive(0.9)(${value})`, p95: (value) => `quantileExactInclusive(0.95)(${value})`,
  p99: (value) => `quantileExactInclusive(0.99)(${value})`,
};

const spans: Readonly<Record<string, string>> = { "1h": "1 HOUR", "24h": "24 HOUR", "7d": "7 DAY", "30d": "30 DAY", "90d": "90 DAY", "12mo": "12 MONTH" };
const own = new Set(["event_name", "user_id", "tenant_id"]);

/** What a widget asks for, as SQL to go on from: near to what the server computes, without its zero-filling, comparison and time zone. */
export function sqlOf(widget: DraftWidget, named: Naming): string {
  const query = widget.query ?? { metric: "count" };
  const dimension = (name: string) => (own.has(name) ? name : named(`string_props.${name}`));
  const measure = (metric: string, property: string | undefined): string => {
    if (metric === "count") return "count()";
    if (metric.startsWith("count_unique")) return `${metric === "count_unique" ? "uniqExact" : "uniq"}(${dimension(query.unique_prop ?? "user_id")})`;
    return (aggregates[metric] ?? aggregates["sum"])?.(named(`numeric_props.${property ?? ""}`)) ?? "count()";
  };
  const step = query.granularity ?? "day";
  const groups = [
    ...(widget.kind === "timeseries" ? [{ sql: `toStartOf${step.charAt(0).toUpperCase()}${step.slice(1)}(timestamp)`, name: "time" }] : []),
    ...(widget.kind === "heatmap" ? [{ sql: "toDayOfWeek(timestamp)", name: "weekday" }, { sql: "toHour(timestamp)", name: "hour" }] : []),
    ...(query.group_by ? [{ sql: dimension(query.group_by), name: "value_of" }] : []), ...(query.group_by_2 ? [{ sql: dimension(query.group_by_2), name: "value_of_2" }] : []),
  ];
  const selected = [
    ...groups.map(({ sql, name }) => `${sql} AS ${name}`), `${measure(query.metric, query.numeric_prop)} AS result`,
    ...(query.second_metric ? [`${measure(query.second_metric, query.second_numeric_prop)} AS second_result`] : []),
  ];
  const conditions = [
    ...(query.event_name ? [`event_name = ${quoted(query.event_name)}`] : []),
    ...(typeof query.period === "string" && spans[query.period] ? [`timestamp >= now() - INTERVAL ${spans[query.period] ?? ""}`] : []),
    ...(query.filters ?? []).flatMap((filter) => condition(filter, dimension, named)),
  ];
  const isInTime = widget.kind === "timeseries" || widget.kind === "heatmap";
  return [
    `SELECT ${selected.join(", ")}`, "FROM events", ...(conditions.length > 0 ? [`WHERE ${conditions.join("\n  AND ")}`] : []), ...(groups.length > 0 ? [`GROUP BY ${groups.map(({ name }) => name).join(", ")}`] : []),
    ...(groups.length > 0 ? [`ORDER BY ${isInTime ? groups.map(({ name }) => name).join(", ") : `result ${query.order === "asc" ? "ASC" : "DESC"}`}`] : []),
    ...(groups.length > 0 && !isInTime ? [`LIMIT ${query.limit ?? (widget.kind === "table" ? 50 : 10)}`] : []),
  ].join("\n");
}

function condition(filter: QueryFilter, dimension: Naming, named: Naming): readonly string[] {
  if ("property" in filter) {
    const name = named(`numeric_props.${filter.property}`);
    const [first = 0, second = 0] = filter.values;
    return [filter.op === "between" ? `${name} BETWEEN ${first} AND ${second}` : `${name} ${filter.op === "gte" ? ">=" : "<="} ${first}`];
  }
  const { values, op = "in" } = filter;
  const [first] = values;
  if (first === undefined) return [];
  const name = dimension(filter.dimension);
  if (op === "contains") return [`positionCaseInsensitiveUTF8(${name}, ${quoted(first)}) > 0`];
  return [`${name} ${op === "not_in" || op === "neq" ? "NOT IN" : "IN"} (${values.map(quoted).join(", ")})`];
}

export function quoted(text: string): string {
  return `'${text.replace(/\\/g, "\\\\").replace(/'/g, "\\'")}'`;
}

/** A name as the server writes it where the schema does not say: in backticks unless it is plain. */
export function identifier(name: string): string {
  return name.split(".").every((part) => /^[A-Za-z_]\w*$/.test(part)) && name.split(".").length <= 2 ? name : `\`${name.replace(/\\/g, "\\\\").replace(/`/g, "\\`")}\``;
}
