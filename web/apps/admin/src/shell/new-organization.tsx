import { useState } from "react";
import { api } from "../api/client";
import { useAction } from "../api/hooks";
import type { Organization } from "../api/types";
import { chosenEnvironment, firstKey, tellOthers } from "../session";
import { Button, Dialog, Field, Note, TextInput } from "../ui";
import { words } from "../words";

const w = words.shell;

/** Another organisation of the same person; its first key waits on its home page. */
export function NewOrganization({ onClose }: { readonly onClose: () => void }): JSX.Element {
  const [name, setName] = useState("");
  const { run, isBusy, error } = useAction(async () => {
    const { organization, api_key } = await api.post<{ organization: Organization; api_key: string }>("/v1/organizations", { name: name.trim() });
    firstKey.set(organization.id, "production", api_key);
    chosenEnvironment.set("production");
    tellOthers();
    location.assign("/app");
  });
  return (
    <Dialog
      title={w.newOrganizationTitle} size="small" onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{words.common.cancel}</Button>
          <Button kind="primary" type="submit" form="new-organization" busy={isBusy} disabled={name.trim() === ""}>{w.newOrganizationAction}</Button>
        </>
      }
    >
      <form
        id="new-organization" className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          run();
        }}
      >
        <p className="muted">{w.newOrganizationText}</p>
        <Field label={w.newOrganizationName} error={error?.of("name")}>
          {(ids) => <TextInput {...ids} value={name} onText={setName} maxLength={200} autoComplete="organization" autoFocus />}
        </Field>
        {error && error.details.length === 0 && <Note tone="bad">{error.message}</Note>}
      </form>
    </Dialog>
  );
}
