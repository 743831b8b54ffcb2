import { EmbanDashboardElement, EmbanWidgetElement } from "./emban-element";

export { DbnDashboardElement } from "./dbn-dashboard";
export { loadECharts } from "./echarts";
export { EmbanDashboardElement, EmbanElement, EmbanWidgetElement } from "./emban-element";

/** Registers the elements; a second copy of the script on a page changes nothing. */
export function register(): void {
  if (!customElements.get("emban-dashboard")) customElements.define("emban-dashboard", EmbanDashboardElement);
  if (!customElements.get("emban-widget")) customElements.define("emban-widget", EmbanWidgetElement);
}
