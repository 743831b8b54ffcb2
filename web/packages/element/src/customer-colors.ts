import { ColorSlots } from "@emban/core";

/** One for each customer on the page: single widgets side by side agree on their colours. With its last view what it remembers is forgotten. */
const known = new Map<string, { readonly slots: ColorSlots; views: number }>();

/** A view's share in the colours of the customer that it shows. */
export class CustomerColors {
  private customer: string | null = null;

  of(customer: string): ColorSlots {
    if (customer !== this.customer) this.release();
    const entry = known.get(customer) ?? { slots: new ColorSlots(), views: 0 };
    known.set(customer, entry);
    if (customer !== this.customer) entry.views += 1;
    this.customer = customer;
    return entry.slots;
  }

  release(): void {
    if (this.customer === null) return;
    const entry = known.get(this.customer);
    if (entry) entry.views -= 1;
    if (entry?.views === 0) known.delete(this.customer);
    this.customer = null;
  }
}
