import { useState } from "react";
import { api, asApiError } from "../api/client";
import type { Dashboard } from "../api/types";
import { useSession } from "../session";
import { Button, useToast } from "../ui";
import { words } from "../words";
import { configOf, type Draft } from "./draft";

const w = words.builder;

/** Widgets fitted to the events, put into this draft: made by the server as a dashboard of its own, which goes again. */
export function AutoButton({ draft }: { readonly draft: Draft }): JSX.Element {
  const { environment, can } = useSession();
  const [isBusy, setBusy] = useState(false);
  const toast = useToast();
  const run = async () => {
    setBusy(true);
    try {
      const { dashboard_id, dashboard } = await api.post<{ dashboard_id: string; dashboard: Dashboard }>("/v1/discover/auto-create", { environment });
      const made = configOf(dashboard);
      draft.edit((before) => ({ ...before, widgets: made.widgets ?? [], filters: made.filters ?? before.filters ?? [] }));
      toast(w.autoAdded(made.widgets?.length ?? 0));
      // Whoever may not delete finds it in the list.
      if (can("admin")) await api.delete(`/v1/dashboards/${dashboard_id}`).catch(() => undefined);
    } catch (error) {
      toast(asApiError(error).message, "bad");
    } finally {
      setBusy(false);
    }
  };
  return <Button icon="wand" busy={isBusy} onClick={() => void run()}>{w.auto}</Button>;
}
