import { register } from "./index";
import { DbnDashboardElement } from "./dbn-dashboard";

register();
if (!customElements.get("dbn-dashboard")) customElements.define("dbn-dashboard", DbnDashboardElement);
