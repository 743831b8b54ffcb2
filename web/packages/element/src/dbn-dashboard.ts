import { customerOf } from "@emban/core";
import { EmbanDashboardElement } from "./emban-element";

/**
 * `<dbn-dashboard token dashboard-id>`. Pages of that tradition renew the session by appending another element to the same container, again and
 * again. Here the newer one takes over from the older one, with all that the viewer has set, and the older one leaves the page.
 */
export class DbnDashboardElement extends EmbanDashboardElement {
  override connectedCallback(): void {
    this.adoptProperties();
    const earlier = this.earlier();
    if (earlier) this.takeOver(earlier);
    else super.connectedCallback();
  }

  /** The element in the same container that shows the same dashboard of the same customer. */
  private earlier(): DbnDashboardElement | null {
    const siblings = Array.from(this.parentNode?.children ?? []);
    for (const sibling of siblings) {
      if (sibling !== this && sibling instanceof DbnDashboardElement && sibling.isAtWork && sibling.subject === this.subject) return sibling;
    }
    return null;
  }

  /** Which dashboard of which customer; unlike that of any other element when the token is missing or cannot be read. */
  private get subject(): string | symbol {
    const customer = customerOf(this.getAttribute("token") ?? "");
    return customer === null ? Symbol("unreadable") : JSON.stringify([customer, this.getAttribute("dashboard-id"), this.getAttribute("host")]);
  }
}
