import { sessionOf } from "@emban/core";
import { register, type EmbanDashboardElement } from "@emban/element";
import { cleanAddress, dashboardOf, readAddress } from "./address";
import { ParentChannel } from "./parent";
import { adoptPageStyle } from "./style";

const address = readAddress(location.search, location.hash);
history.replaceState(null, "", cleanAddress(location.href));
adoptPageStyle();
register();

const dashboard = document.createElement("emban-dashboard") as EmbanDashboardElement;
dashboard.setAttribute("host", location.origin);
dashboard.setAttribute("role", "main");
const named = dashboardOf(location.pathname);
if (named !== null) dashboard.setAttribute("dashboard-id", named);
// The page's own colour scheme, set below, follows the dashboard; the dashboard must not take it for the wish of its surroundings.
dashboard.style.colorScheme = "normal";

const parent = new ParentChannel((type, payload) => {
  switch (type) {
    case "setFilters":
      dashboard.setFilters(payload["filters"]);
      break;
    case "setTheme":
      dashboard.setTheme(payload["theme"]);
      break;
    case "reload":
      dashboard.reload();
      break;
    case "setToken":
      if (typeof payload["token"] === "string") dashboard.setAttribute("token", payload["token"]);
      break;
    case "hello":
      parent.send("hello");
      break;
  }
});

function detailOf(event: Event): Record<string, unknown> {
  return (event as CustomEvent<Record<string, unknown>>).detail;
}

for (const name of ["ready", "drill", "filter", "period-change", "token-expiring", "settled"]) {
  dashboard.addEventListener(`emban-${name}`, (event) => parent.send(name, detailOf(event)));
}
// Of which session: the host may have brought another one meanwhile, which is on its way to us.
dashboard.addEventListener("emban-error", (event) => {
  parent.send("error", { ...detailOf(event), session: sessionOf(dashboard.getAttribute("token") ?? "") });
});
dashboard.addEventListener("emban-resize", () => reportHeight());
dashboard.addEventListener("emban-theme", (event) => {
  const { mode, background } = detailOf(event);
  const { style } = document.documentElement;
  style.backgroundColor = String(background);
  // Scroll bars follow the mode; inside the helper's frame there are none, and a colour scheme would cost the transparency.
  if (!address.autoheight) style.colorScheme = String(mode);
});

let reported = -1;
function reportHeight(): void {
  // The element's own height, not the document's: the document never becomes smaller than the iframe.
  const height = Math.ceil(dashboard.getBoundingClientRect().height);
  if (height === reported || height === 0) return;
  reported = height;
  parent.send("resize", { height, width: window.innerWidth });
}

// Before anything else is said: the host knows by it that this is the page that it has asked for.
parent.send("hello");
if (address.live !== null) dashboard.setAttribute("live", address.live ? "on" : "off");
// The helper makes the iframe as tall as its content: a scroll bar would only flicker while it does.
if (address.autoheight) document.documentElement.classList.add("autoheight");
if (address.token !== "") dashboard.setAttribute("token", address.token);
// Before it opens: the answers to another question would be made for nobody.
if (address.filters !== undefined) dashboard.setAttribute("filters", JSON.stringify(address.filters));
document.body.append(dashboard);
if (address.theme !== undefined) dashboard.setTheme(address.theme);
if (address.token === "") dashboard.reload();

// A host that only changes the fragment of the iframe's address swaps the session in place.
window.addEventListener("hashchange", () => {
  const next = readAddress("", location.hash);
  history.replaceState(null, "", cleanAddress(location.href));
  if (next.token !== "") dashboard.setAttribute("token", next.token);
});
