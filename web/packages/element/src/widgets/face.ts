import type { QueryResult } from "@emban/core";
import type { ViewContext } from "../context";

/** The inside of a card for one kind of widget. */
export interface WidgetFace {
  readonly element: HTMLElement;
  /** Buttons for the card's header, such as the switch to the table. */
  readonly actions?: HTMLElement;
  /** Draws `result`; called again for new data, a new theme or a new size. */
  show(result: QueryResult, context: ViewContext): void;
  destroy?(): void;
}
