export { EmbanDashboard, EmbanWidget, type EmbanDashboardProps, type EmbanWidgetProps } from "./components";
export type { DrillEvent, ErrorEvent } from "./context";
export {
  useEmbanDashboard, useEmbanFilters, useEmbanFilterValues, useEmbanWidget,
  type EmbanDashboardState, type EmbanFiltersState, type EmbanFilterValues, type EmbanWidgetData,
} from "./hooks";
export { EmbanProvider, type EmbanProviderProps } from "./provider";
export { EmbanError, type DashboardConfig, type Filters, type FilterValue, type QueryResult, type Theme } from "@emban/core";
