/** Every sentence and label the viewer shows, in one place. */
export const strings = {
  periods: {
    "1h": "1 hour", "24h": "24 hours", "7d": "7 days", "30d": "30 days", "90d": "90 days", "12mo": "12 months",
  } as Readonly<Record<string, string>>,
  periodsShort: {
    "1h": "1h", "24h": "24h", "7d": "7d", "30d": "30d", "90d": "90d", "12mo": "12mo",
  } as Readonly<Record<string, string>>,
  none: "(none)",
  noValue: "–",
  total: "Total",
  other: "Other",
  time: "Time",
  value: "Value",
  share: "Share",
  change: "Change",
  previous: "Previous",
  currentPeriod: "This period",
  previousPeriod: "Previous period",
  previousYear: "Previous year",
  events: "Events",
  target: "Target",
  soFar: "so far",

  period: "Period",
  dates: "Dates",
  customDates: "Custom dates",
  from: "From",
  to: "To",
  min: "Min",
  max: "Max",
  any: "Any",
  all: "All",
  apply: "Apply",
  clear: "Clear",
  reset: "Reset all",
  search: "Search…",
  searchIn: (label: string) => `Search ${label}`,
  selected: (count: number) => `${count} selected`,
  noMatches: "No matches",
  moreValues: "More values exist. Search to narrow the list.",
  loadingValues: "Loading values…",
  valuesFailed: "The values could not be loaded.",
  removeFilter: (label: string) => `Remove filter ${label}`,
  activeFilters: "Active filters",
  filters: "Filters",
  filterBy: (value: string) => `Filter by ${value}`,
  clearFilterOf: (value: string) => `Stop filtering by ${value}`,
  atLeast: (value: string) => `≥ ${value}`,
  atMost: (value: string) => `≤ ${value}`,
  rangeOrder: "The minimum must not be above the maximum.",
  dateOrder: "The first day must not be after the last.",
  dateMissing: "Choose both days.",
  dateTooLong: (days: number) => `At most ${days} days can be shown at once.`,

  loading: "Loading…",
  loadingDashboard: "Loading dashboard",
  updated: "Dashboard updated",
  empty: "No data for this period",
  emptyHint: "Try a longer period or fewer filters.",
  emptyDashboard: "This dashboard has no widgets yet.",
  widgetMissing: "This chart does not exist, or is not part of this session.",
  retry: "Try again",
  unknownWidget: "This kind of chart cannot be shown by this version.",
  viewAsTable: "View as table",
  viewAsChart: "View as chart",
  sortedBy: (column: string, ascending: boolean) => `Sorted by ${column}, ${ascending ? "ascending" : "descending"}`,
  sortBy: (column: string) => `Sort by ${column}`,
  showSeries: (name: string) => `Show ${name}`,
  poweredBy: "Powered by Emban",
  logoAlt: "Logo",

  comparedTo: (previous: string) => `vs. ${previous}`,
  noComparison: "No earlier data",
  up: "up",
  down: "down",
  unchanged: "unchanged",
  ofTarget: (target: string, label: string) => `of ${target} ${label}`.trim(),
  overTarget: (excess: string) => `${excess} over`,
  remaining: (left: string) => `${left} left`,

  errors: {
    network: { title: "No connection", text: "The analytics server cannot be reached. Check your connection and try again." },
    token_missing: { title: "No access", text: "This dashboard was opened without a session. Open it again from your account." },
    token_invalid: { title: "No access", text: "This session is not valid. Open the dashboard again from your account." },
    token_expired: { title: "Session expired", text: "Your session has ended. Reload the page to continue." },
    session_revoked: { title: "Session ended", text: "Access to this dashboard was withdrawn. Reload the page or ask your administrator." },
    dashboard_not_published: { title: "Not available", text: "This dashboard is not published at the moment. Try again later." },
    not_found: { title: "Not found", text: "This dashboard does not exist any more." },
    widget_hidden: { title: "Not available", text: "This chart is not part of your plan or role." },
    period_not_allowed: { title: "Period not available", text: "This period is not available to you. Choose another one." },
    dimension_not_allowed: { title: "Filter not available", text: "This filter is not available to you. Remove it and try again." },
    filter_locked: { title: "Filter is fixed", text: "This filter is set by your provider and cannot be changed." },
    range_too_long: { title: "Range too long", text: "The chosen dates span too many days. Choose a shorter range." },
    queries_limit_reached: { title: "Limit reached", text: "The monthly limit of queries is used up." },
    incomplete: { title: "No answer", text: "The server did not answer for this chart. Try again." },
    query_timeout: { title: "Took too long", text: "This chart needs more time than allowed. Choose a shorter period." },
    rate_limited: { title: "Too many requests", text: "Wait a moment and try again." },
    chart_failed: { title: "Chart not shown", text: "The charts could not be loaded. Try again." },
  } as Readonly<Record<string, { readonly title: string; readonly text: string }>>,
  genericError: { title: "Something went wrong", text: "The data could not be loaded. Try again." },
  serverError: { title: "Temporarily unavailable", text: "The analytics server has a problem. Try again in a moment." },
  requestId: (id: string) => `Reference: ${id}`,

  metrics: {
    count: "Count", count_unique: "Unique", count_unique_approx: "Unique", sum: "Sum", avg: "Average", min: "Minimum", max: "Maximum",
    p50: "Median", p90: "90th percentile", p95: "95th percentile", p99: "99th percentile",
  } as Readonly<Record<string, string>>,

  summarySeries: (title: string, kind: string, points: number, from: string, to: string) =>
    `${title}: ${kind} with ${points} points from ${from} to ${to}.`,
  summaryRange: (low: string, high: string, last: string) => `Lowest ${low}, highest ${high}, latest ${last}.`,
  summaryGroups: (count: number) => `${count} series.`,
  summaryBreakdown: (title: string, count: number) => `${title}: ${count} ${count === 1 ? "entry" : "entries"}.`,
  summaryTop: (items: string) => `Largest: ${items}.`,
  chartKinds: {
    area: "area chart", line: "line chart", bar: "bar chart", stacked_bar: "stacked bar chart", donut: "donut chart",
  } as Readonly<Record<string, string>>,
};

/** Title and sentence for an error, by its code; the server's own sentence is kept where we have none. */
export function describeError(code: string, status: number, message: string): { readonly title: string; readonly text: string } {
  const known = strings.errors[code];
  if (known) return known;
  if (status === 404) return strings.errors["not_found"] ?? strings.genericError;
  if (status === 429) return strings.errors["rate_limited"] ?? strings.genericError;
  if (status >= 500) return strings.serverError;
  return message === "" ? strings.genericError : { title: strings.genericError.title, text: message };
}
