import { useRef, useState } from "react";
import { api, asApiError } from "../api/client";
import { useAction, useList } from "../api/hooks";
import type { Dashboard, DashboardSummary, DraftConfig } from "../api/types";
import { configOf, download } from "../builder/draft";
import { Link, navigate } from "../router";
import { useSession } from "../session";
import {
  Ago, Badge, Button, Confirm, DataTable, Dialog, Empty, Field, Icon, Menu, Note, PageHead, Section, TextInput, useFailure, useToast, type MenuItem,
} from "../ui";
import { words } from "../words";

const w = words.dashboards;

export function DashboardsPage(): JSX.Element {
  const { can, environment } = useSession();
  const [search, setSearch] = useState("");
  const dashboards = useList<DashboardSummary>("/v1/dashboards", { limit: 200 }, { all: search.trim() !== "" });
  const [isNew, setNew] = useState(false);
  const [asking, setAsking] = useState<{ readonly what: "delete" | "unpublish"; readonly dashboard: DashboardSummary } | null>(null);
  const file = useRef<HTMLInputElement>(null);
  const toast = useToast();
  const fail = useFailure();
  const auto = useAction(async () => {
    try {
      const { dashboard_id } = await api.post<{ dashboard_id: string }>("/v1/discover/auto-create", { environment });
      navigate(`/dashboards/${dashboard_id}`);
    } catch (error) {
      fail(error);
    }
  });
  const confirm = useAction(async () => {
    if (!asking) return;
    const { id } = asking.dashboard;
    if (asking.what === "delete") await api.delete(`/v1/dashboards/${id}`);
    else await api.post(`/v1/dashboards/${id}/unpublish`);
    if (asking.what === "delete") toast(w.deleted);
    setAsking(null);
    dashboards.reload();
  });
  const duplicate = (dashboard: DashboardSummary) => {
    api.post<Dashboard>(`/v1/dashboards/${dashboard.id}/duplicate`).then(({ id }) => navigate(`/dashboards/${id}`), fail);
  };
  const exportJSON = (dashboard: DashboardSummary) => {
    api.get<Dashboard>(`/v1/dashboards/${dashboard.id}`).then((whole) => download(`${dashboard.slug}.json`, configOf(whole)), fail);
  };
  const importJSON = async (chosen: File | undefined) => {
    if (!chosen) return;
    const config = readConfigFile(await chosen.text());
    if (!config) {
      toast(w.importFailed, "bad");
      return;
    }
    try {
      const { id } = await create(config);
      toast(w.imported);
      navigate(`/dashboards/${id}`);
    } catch (error) {
      const failure = asApiError(error);
      const [first] = failure.details;
      toast(first ? `${first.field}: ${first.expected}` : failure.message, "bad");
    }
  };
  const needle = search.trim().toLowerCase();
  const rows = dashboards.rows && needle !== "" ? dashboards.rows.filter(({ name, slug }) => `${name} ${slug}`.toLowerCase().includes(needle)) : dashboards.rows;
  const isEmpty = dashboards.rows?.length === 0;
  const begin = can("edit") && (
    <>
      <Button icon="wand" busy={auto.isBusy} onClick={auto.run}>{w.auto}</Button>
      <Button kind="primary" icon="plus" onClick={() => setNew(true)}>{w.create}</Button>
    </>
  );
  const actions = (dashboard: DashboardSummary): (MenuItem | "line")[] => [
    { label: w.open, icon: "dashboard", run: () => navigate(`/dashboards/${dashboard.id}`) },
    ...(can("edit") ? [{ label: w.duplicate, icon: "copy", run: () => duplicate(dashboard) } as const] : []),
    { label: w.export, icon: "download", run: () => exportJSON(dashboard) },
    ...(can("admin") && dashboard.status === "published" ? [{ label: words.sessions.create, icon: "session", run: () => navigate(`/sessions?new=1&dashboard=${dashboard.id}`) } as const] : []),
    ...(can("admin")
      ? [
          "line" as const,
          ...(dashboard.status === "published" ? [{ label: w.unpublish, icon: "eye", run: () => setAsking({ what: "unpublish", dashboard }) } as const] : []),
          { label: words.common.delete, icon: "trash", danger: true, run: () => setAsking({ what: "delete", dashboard }) } as const,
        ]
      : []),
  ];
  return (
    <div className="page">
      <PageHead
        title={w.title} text={w.text}
        actions={
          <>
            {can("edit") && (
              <>
                <input
                  ref={file} type="file" accept="application/json,.json" hidden
                  onChange={(event) => {
                    void importJSON(event.target.files?.[0]);
                    event.target.value = "";
                  }}
                />
                <Button kind="quiet" icon="upload" onClick={() => file.current?.click()}>{w.import}</Button>
              </>
            )}
            {!isEmpty && begin}
          </>
        }
      />
      <Section flush>
        {(dashboards.rows?.length ?? 0) > 6 && (
          <div className="section-search">
            <Icon name="search" />
            <TextInput type="search" aria-label={w.search} placeholder={w.search} value={search} onText={setSearch} />
          </div>
        )}
        <DataTable
          label={w.title} rows={rows} rowKey={(dashboard) => dashboard.id} error={dashboards.error} onRetry={dashboards.reload} more={dashboards.hasMore ? dashboards.more : null} isLoading={dashboards.isLoading} onSelect={(dashboard) => navigate(`/dashboards/${dashboard.id}`)}
          empty={needle !== "" ? <Empty icon="search" title={words.common.noMatch} /> : <Empty icon="dashboard" title={w.none} text={can("edit") ? w.noneText : w.noneMember}>{begin}</Empty>}
          columns={[
            {
              key: "name", label: w.name,
              cell: (dashboard) => (
                <span className="cell-main">
                  <Link to={`/dashboards/${dashboard.id}`} className="plain-link break">{dashboard.name}</Link>
                  <code className="break">{dashboard.slug}</code>
                </span>
              ),
            },
            {
              key: "status", label: w.status,
              cell: (dashboard) => (
                <Badge tone={dashboard.status === "published" ? "good" : dashboard.status === "unpublished" ? "warn" : "plain"} dot>
                  {w.statuses[dashboard.status]}
                </Badge>
              ),
            },
            {
              key: "version", label: w.version,
              cell: (dashboard) => (dashboard.published_version === null ? <span className="muted">–</span> : w.versionNumber(dashboard.published_version)),
            },
            { key: "edited", label: w.edited, cell: (dashboard) => <Ago at={dashboard.updated_at} /> },
            {
              key: "actions", label: words.common.actions, hideLabel: true,
              cell: (dashboard) => <Menu label={`${words.common.actions}: ${dashboard.name}`} items={actions(dashboard)} />,
            },
          ]}
        />
      </Section>
      {isNew && <NewDashboard onClose={() => setNew(false)} />}
      {asking && (
        <Confirm
          title={asking.what === "delete" ? w.deleteTitle(asking.dashboard.name) : w.unpublish} text={asking.what === "delete" ? w.deleteText : w.unpublishText(asking.dashboard.name)}
          action={asking.what === "delete" ? words.common.delete : w.unpublish} busy={confirm.isBusy} error={confirm.error?.message} onConfirm={confirm.run} onClose={() => setAsking(null)}
        />
      )}
    </div>
  );
}

export function NewDashboard({ onClose }: { readonly onClose: () => void }): JSX.Element {
  const [name, setName] = useState("");
  const { run, isBusy, error } = useAction(async () => {
    const { id } = await create({ name: name.trim(), filters: [{ id: "f_period", type: "period", default: "30d", options: ["24h", "7d", "30d", "90d"] }], widgets: [] });
    navigate(`/dashboards/${id}`);
  });
  return (
    <Dialog
      title={w.newTitle} size="small" onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{words.common.cancel}</Button>
          <Button kind="primary" type="submit" form="new-dashboard" busy={isBusy} disabled={name.trim() === ""}>{w.created}</Button>
        </>
      }
    >
      <form
        id="new-dashboard" className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          run();
        }}
      >
        <Field label={w.newName} hint={w.newNameHint} error={error?.of("name")}>
          {(ids) => <TextInput {...ids} value={name} onText={setName} placeholder={w.newPlaceholder} maxLength={200} autoFocus />}
        </Field>
        {error && error.of("name") === null && <Note tone="bad">{error.details[0] ? `${error.details[0].field}: ${error.details[0].expected}` : error.message}</Note>}
      </form>
    </Dialog>
  );
}

/** Makes a draft; where another has the slug of the file, the server finds a free one. */
export async function create(config: DraftConfig): Promise<Dashboard> {
  try {
    return await api.post<Dashboard>("/v1/dashboards", config);
  } catch (error) {
    if (asApiError(error).code !== "slug_taken") throw error;
    const { slug: _taken, ...rest } = config;
    return api.post<Dashboard>("/v1/dashboards", rest);
  }
}

export function readConfigFile(text: string): DraftConfig | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || typeof (value as { name?: unknown }).name !== "string") return null;
    return configOf(value as Dashboard);
  } catch {
    return null;
  }
}
