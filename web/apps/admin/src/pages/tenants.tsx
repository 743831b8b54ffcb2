import { useState } from "react";
import { address, api } from "../api/client";
import { useAction, useList } from "../api/hooks";
import type { Tenant } from "../api/types";
import { navigate } from "../router";
import { useSession } from "../session";
import { Ago, Button, Confirm, count, DataTable, Empty, Icon, Menu, PageHead, Section, TextInput, useToast } from "../ui";
import { words } from "../words";

const w = words.tenants;

export function TenantsPage(): JSX.Element {
  const { can, environment } = useSession();
  const [search, setSearch] = useState("");
  const tenants = useList<Tenant>("/v1/tenants", { environment, limit: 200 }, { all: search.trim() !== "" });
  const [erasing, setErasing] = useState<Tenant | null>(null);
  const toast = useToast();
  const erase = useAction(async (tenant: Tenant) => {
    const { deleted_events } = await api.delete<{ deleted_events: number }>(`/v1/tenants/${encodeURIComponent(tenant.tenant_id)}/data`, { query: { environment } });
    setErasing(null);
    toast(w.erased(count(deleted_events)));
    tenants.reload();
  });
  const needle = search.trim().toLowerCase();
  const rows = tenants.rows && needle !== "" ? tenants.rows.filter((tenant) => tenant.tenant_id.toLowerCase().includes(needle)) : tenants.rows;
  return (
    <div className="page">
      <PageHead
        title={w.title} text={w.text}
        actions={
          <span className="search-box">
            <Icon name="search" />
            <TextInput type="search" aria-label={w.search} placeholder={w.search} value={search} onText={setSearch} />
          </span>
        }
      />
      <Section flush>
        <DataTable
          label={w.title} rows={rows} rowKey={(tenant) => tenant.tenant_id} error={tenants.error} onRetry={tenants.reload} more={tenants.hasMore ? tenants.more : null} isLoading={tenants.isLoading} bones={8}
          empty={
            needle !== "" ? <Empty icon="search" title={tenants.isLoading ? words.common.loading : words.common.noMatch} /> : (
              <Empty icon="tenants" title={w.none} text={w.noneText}>
                <Button kind="primary" onClick={() => navigate("/")}>{words.events.noneAction}</Button>
              </Empty>
            )
          }
          columns={[
            { key: "tenant", label: w.customer, cell: (tenant) => <span className="strong break">{tenant.tenant_id}</span> },
            { key: "events", label: w.events, numeric: true, cell: (tenant) => count(tenant.events) },
            { key: "first", label: w.first, cell: (tenant) => <Ago at={tenant.first_seen} /> },
            { key: "last", label: w.last, cell: (tenant) => <Ago at={tenant.last_seen} /> },
            {
              key: "actions", label: words.common.actions, hideLabel: true,
              cell: (tenant) =>
                can("admin") ? (
                  <Menu
                    label={`${words.common.actions}: ${tenant.tenant_id}`}
                    items={[
                      {
                        label: w.preview, icon: "session", disabled: environment === "development", ...(environment === "development" && { note: w.productionOnly }),
                        run: () => navigate(`/sessions?tenant=${encodeURIComponent(tenant.tenant_id)}&new=1`),
                      },
                      {
                        label: w.download, icon: "download",
                        disabled: isDots(tenant.tenant_id),
                        run: () => save(address(`/v1/tenants/${encodeURIComponent(tenant.tenant_id)}/events`, { format: "csv", environment })),
                      },
                      "line",
                      { label: w.erase, icon: "trash", danger: true, disabled: isDots(tenant.tenant_id), run: () => setErasing(tenant) },
                    ]}
                  />
                ) : null,
            },
          ]}
        />
      </Section>
      {erasing && (
        <Confirm
          title={w.eraseTitle(erasing.tenant_id)} text={w.eraseText(words.shell.inEnvironment[environment])} action={w.erase} typed={erasing.tenant_id} busy={erase.isBusy} error={erase.error?.message}
          onConfirm={() => erase.run(erasing)} onClose={() => setErasing(null)}
        />
      )}
    </div>
  );
}

/** Browsers take these out of an address, so that it would be another route. */
function isDots(tenant: string): boolean {
  return tenant === "." || tenant === "..";
}

/** A file of this server: an error instead of it does not take the page away. */
function save(place: string): void {
  const link = document.createElement("a");
  link.href = place;
  link.download = "";
  document.body.append(link);
  link.click();
  link.remove();
}
