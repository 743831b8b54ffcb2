import { useState } from "react";
import { useAction, useGet } from "../api/hooks";
import type { Member, Page } from "../api/types";
import { create } from "../pages/dashboards";
import { navigate } from "../router";
import { useSession } from "../session";
import { Button, Dialog, Note, useFailure } from "../ui";
import { words } from "../words";
import type { Look } from "./answers";
import { diff } from "./diff";
import { configOf, type Draft } from "./draft";
import { Changes } from "./publish-dialog";

const w = words.builder;

interface TroubleProps {
  readonly draft: Draft;
  readonly look: Look;
}

/** Why the draft is not saved, and what can be done about it. */
export function Trouble({ draft, look }: TroubleProps): JSX.Element | null {
  const { status, error } = draft;
  const copy = useCopy(draft);
  if (status === "conflict") return <Conflict draft={draft} look={look} />;
  // It stays while the next attempt is on its way, so that nothing jumps.
  if (status !== "saved" && error?.status === 422) {
    return (
      <div className="trouble">
        <Note tone="bad" title={w.invalidTitle}>
          {error.details.slice(0, 4).map((problem) => <p key={problem.field + problem.code}><code>{problem.field}</code> {problem.expected}</p>)}
          {error.details.length === 0 && error.message}
        </Note>
      </div>
    );
  }
  if (status === "failed" && error) {
    return (
      <div className="trouble">
        <Note tone="bad" title={w.failedTitle} actions={error.isMissing && <Button small onClick={copy}>{w.mineAsCopy}</Button>}>{error.message}</Note>
      </div>
    );
  }
  return null;
}

function Conflict({ draft, look }: TroubleProps): JSX.Element {
  const { theirs } = draft;
  const { user } = useSession();
  const [isComparing, setComparing] = useState(false);
  const copy = useCopy(draft);
  const members = useGet<Page<Member>>("/v1/members", { limit: 200 });
  const by = theirs?.updated_by;
  const member = members.data?.data.find(({ id }) => id === by);
  const who = by === user.id ? w.yourself : member ? member.name || member.email : w.somebody;
  return (
    <div className="trouble">
      <Note
        tone="warn" title={w.conflictTitle(who)}
        actions={
          <>
            <Button small disabled={!theirs} onClick={() => setComparing(true)}>{w.compare}</Button>
            <Button small disabled={!theirs} onClick={draft.useTheirs}>{w.useTheirs}</Button>
            <Button small onClick={copy}>{w.mineAsCopy}</Button>
            <Button small kind="danger" disabled={!theirs} onClick={draft.keepMine}>{w.keepMine}</Button>
          </>
        }
      >
        {w.conflictText(theirs?.revision ?? 0)}
      </Note>
      {isComparing && theirs && (
        <Dialog title={w.compareTitle} size="large" onClose={() => setComparing(false)}>
          <div className="stack">
            <Changes before={configOf(theirs)} after={draft.config} difference={diff(configOf(theirs), draft.config)} beforeName={w.theirs} afterName={w.mine}
              look={look} />
          </div>
        </Dialog>
      )}
    </div>
  );
}

/** Puts what is on the screen into a draft of its own, and goes there. */
function useCopy(draft: Draft): () => void {
  const fail = useFailure();
  const { run } = useAction(async () => {
    const { slug: _slug, ...rest } = draft.config;
    try {
      const made = await create({ ...rest, name: w.copyName(draft.config.name) });
      draft.useTheirs();
      draft.forget();
      navigate(`/dashboards/${made.id}`);
    } catch (failure) {
      fail(failure);
    }
  });
  return run;
}
