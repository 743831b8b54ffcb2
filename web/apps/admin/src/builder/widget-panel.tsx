import { useState, type ReactNode } from "react";
import type { DraftWidget, EventType } from "../api/types";
import { lookName, looks } from "../charts/gallery";
import { Button, Combo, compactCount, Empty, Field, NumberInput, Select, Switch, TextArea, TextInput, type FieldIds, type Suggestion } from "../ui";
import { words } from "../words";
import { adapt, offers } from "./adapt";
import { needsNumber } from "./answers";
import { Appearance } from "./appearance";
import { QueryFilters } from "./query-filters";

const w = words.widget;

export interface WidgetPanelProps {
  readonly widget: DraftWidget | null;
  readonly events: readonly EventType[];
  /** The period that the filter bar sets. */
  readonly period: string | null;
  readonly canEdit: boolean;
  /** What is wrong with a member of the widget: `query.numeric_prop`. */
  readonly problemOf: (member: string) => string | null;
  readonly onChange: (widget: DraftWidget, key: string) => void;
  readonly onDuplicate: () => void;
  readonly onRemove: () => void;
  readonly onAdd: () => void;
}

export function WidgetPanel(props: WidgetPanelProps): JSX.Element {
  const { widget } = props;
  if (!widget) {
    return (
      <Empty icon="dashboard" title={words.builder.nothingSelected} text={words.builder.nothingSelectedText}>
        {props.canEdit && <Button icon="plus" onClick={props.onAdd}>{words.builder.add}</Button>}
      </Empty>
    );
  }
  return <Editor key={widget.id} {...props} widget={widget} />;
}

function Editor({ widget, events, period, canEdit, problemOf, onChange, onDuplicate, onRemove }: WidgetPanelProps & { readonly widget: DraftWidget }): JSX.Element {
  const put = (changes: Partial<DraftWidget>, key: string) => onChange(clean({ ...widget, ...changes }), key);
  return (
    <fieldset className="panel-form" disabled={!canEdit}>
      <Field label={w.chart} error={problemOf("chart") ?? problemOf("kind")}>
        {(ids) => (
          <Select
            {...ids} value={`${widget.kind}/${widget.chart}`}
            onPick={(value) => {
              const look = looks.find(({ kind, chart }) => `${kind}/${chart}` === value);
              if (look) onChange(adapt(widget, look, events), "chart");
            }}
            options={Object.entries(words.charts.kinds).map(([kind, group]) => ({ group,
              options: looks.filter((look) => look.kind === kind).map((look) => ({ value: `${look.kind}/${look.chart}`, label: lookName(look) })) }))}
          />
        )}
      </Field>
      <Field label={w.title} error={problemOf("title")}>
        {(ids) => <TextInput {...ids} value={widget.title} maxLength={200} onText={(title) => put({ title }, "title")} />}
      </Field>
      <Field label={w.description} optional error={problemOf("description")}>
        {(ids) => (
          <TextInput
            {...ids} value={widget.description ?? ""} placeholder={w.descriptionHint}
            onText={(description) => onChange(clean(description === "" ? without(widget, "description") : { ...widget, description }), "description")}
          />
        )}
      </Field>
      {widget.kind === "text" ? (
        <Field label={w.markdown} hint={w.markdownHint} error={problemOf("options.markdown")}>
          {(ids) => (
            <TextArea
              {...ids} rows={8} value={widget.options?.markdown ?? ""}
              onText={(markdown) => put({ options: { ...widget.options, markdown } }, "markdown")}
            />
          )}
        </Field>
      ) : (
        <>
          <Part title={w.data}><DataFields widget={widget} events={events} period={period} problemOf={problemOf} onChange={onChange} /></Part>
          <Part title={w.filters}>
            <QueryFilters
              filters={widget.query?.filters ?? []} event={eventOf(widget, events)} events={events} problem={problemOf("query.filters")}
              onChange={(filters, key) => widget.query
                && onChange(clean({ ...widget, query: filters.length > 0 ? { ...widget.query, filters } : without(widget.query, "filters") }), key)}
            />
          </Part>
          <Part title={w.appearance}><Appearance widget={widget} problemOf={problemOf} onChange={(next, key) => onChange(clean(next), key)} /></Part>
        </>
      )}
      <Part title={w.position} isClosed>
        <div className="columns-4">
          {(["x", "y", "w", "h"] as const).map((member) => (
            <Field key={member} label={w[member]} error={problemOf(`position.${member}`)}>
              {(ids) => (
                <SettledInput
                  ids={ids} value={widget.position[member] + (member === "x" || member === "y" ? 1 : 0)}
                  onSettle={(value) => onChange({ ...widget, position: { ...widget.position, [member]: value - (member === "x" || member === "y" ? 1 : 0) } },
                    "position")}
                />
              )}
            </Field>
          ))}
        </div>
      </Part>
      <div className="row panel-actions">
        <Button icon="copy" onClick={onDuplicate}>{w.duplicate}</Button>
        <Button kind="danger" icon="trash" onClick={onRemove}>{w.remove}</Button>
      </div>
    </fieldset>
  );
}

/** A number that counts when the field is left, or with Enter: what makes way for it does so once, not at each digit. */
export function SettledInput({ ids, value, onSettle }: { readonly ids: FieldIds; readonly value: number; readonly onSettle: (value: number) => void }): JSX.Element {
  const [typed, setTyped] = useState<number>();
  const settle = () => {
    setTyped(undefined);
    if (typed !== undefined && typed !== value) onSettle(typed);
  };
  return <NumberInput {...ids} value={typed ?? value} onNumber={setTyped} onBlur={settle} onKeyDown={({ key }) => key === "Enter" && settle()} />;
}

export function Part({ title, children, isClosed = false }: { readonly title: string; readonly children: ReactNode; readonly isClosed?: boolean }): JSX.Element {
  const [isOpen, setOpen] = useState(!isClosed);
  return (
    <section className="part">
      <button type="button" className="disclosure" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>{title}</button>
      {isOpen && <div className="part-body">{children}</div>}
    </section>
  );
}

type Query = NonNullable<DraftWidget["query"]>;

function DataFields({ widget, events, period, problemOf, onChange }: Pick<WidgetPanelProps,
  "events" | "period" | "problemOf" | "onChange"> & { readonly widget: DraftWidget }): JSX.Element {
  const query: Query = widget.query ?? { metric: "count" };
  const offer = offers(widget);
  const event = eventOf(widget, events);
  /** `null` empties a member. */
  const put = (changes: { readonly [K in keyof Query]?: Query[K] | null }) => {
    const next: Record<string, unknown> = { ...query };
    for (const [name, value] of Object.entries(changes)) {
      if (value === null || value === undefined || value === "") delete next[name];
      else next[name] = value;
    }
    onChange(clean({ ...widget, query: next as unknown as Query }), `query.${Object.keys(changes)[0] ?? ""}`);
  };
  const numbers = numbersOf(event, events);
  const dimensions = dimensionsOf(event, events);
  const metric = (name: "metric" | "second_metric", property: "numeric_prop" | "second_numeric_prop") => (value: string) => {
    const first = numbers[0]?.value;
    put({ [name]: value, ...(needsNumber(value) ? !query[property] && first ? { [property]: first } : {} : { [property]: null }),
      ...(name === "metric" && value !== "count_unique" && value !== "count_unique_approx" && { unique_prop: null }) } as { metric: string });
  };
  const isUnique = query.metric.startsWith("count_unique") || (query.second_metric ?? "").startsWith("count_unique");
  return (
    <>
      <Field label={w.event} error={problemOf("query.event_name")}>
        {(ids) => (
          <Combo
            ids={ids} clearable value={query.event_name ?? ""} onPick={(name) => put({ event_name: name })} placeholder={w.allEvents}
            suggestions={events.map((one) => ({ value: one.event_name, note: compactCount(one.count) }))}
          />
        )}
      </Field>
      <Field label={w.metric} error={problemOf("query.metric")}>
        {(ids) => <Select {...ids} value={query.metric} onPick={metric("metric", "numeric_prop")} options={metricOptions} />}
      </Field>
      {needsNumber(query.metric) && (
        <Field label={w.property} error={problemOf("query.numeric_prop") ?? (query.numeric_prop ? null : w.needsProperty)}>
          {(ids) => <Combo ids={ids} value={query.numeric_prop ?? ""} onPick={(name) => put({ numeric_prop: name })} suggestions={numbers} placeholder={w.choose} />}
        </Field>
      )}
      {isUnique && (
        <Field label={w.uniqueOf} error={problemOf("query.unique_prop")}>
          {(ids) => (
            <Combo
              ids={ids} value={query.unique_prop ?? "user_id"} onPick={(name) => put({ unique_prop: name === "user_id" ? null : name })}
              suggestions={dimensions}
            />
          )}
        </Field>
      )}
      {offer.second && (
        <>
          <Field label={w.secondMetric} error={problemOf("query.second_metric")}>
            {(ids) => (
              <Select
                {...ids} value={query.second_metric ?? ""} onPick={metric("second_metric", "second_numeric_prop")}
                options={[...(offer.secondOptional ? [{ value: "", label: w.secondNone }] : []), ...metricOptions]}
              />
            )}
          </Field>
          {needsNumber(query.second_metric) && (
            <Field label={w.secondProperty} error={problemOf("query.second_numeric_prop") ?? (query.second_numeric_prop ? null : w.needsProperty)}>
              {(ids) => (
                <Combo
                  ids={ids} value={query.second_numeric_prop ?? ""} onPick={(name) => put({ second_numeric_prop: name })} suggestions={numbers}
                  placeholder={w.choose}
                />
              )}
            </Field>
          )}
        </>
      )}
      {offer.group && (
        <Field label={w.groupBy} error={problemOf("query.group_by") ?? (query.group_by || offer.groupOptional ? null : w.needsGroup)}>
          {(ids) => (
            <Combo
              ids={ids} clearable={offer.groupOptional} value={query.group_by ?? ""} suggestions={dimensions}
              placeholder={offer.groupOptional ? w.groupByNone : w.choose}
              onPick={(name) => put({ group_by: name, ...(name === "" && { limit: null, order: null, other: null }) })}
            />
          )}
        </Field>
      )}
      {offer.pair && (
        <Field label={w.groupBy2} error={problemOf("query.group_by_2")}>
          {(ids) => (
            <Combo
              ids={ids} value={query.group_by_2 ?? ""} onPick={(name) => put({ group_by_2: name })}
              suggestions={dimensions.filter(({ value }) => value !== query.group_by)} placeholder={w.choose}
            />
          )}
        </Field>
      )}
      {offer.limit && (
        <div className="columns-2">
          <Field label={w.limit} error={problemOf("query.limit")}>
            {(ids) => (
              <NumberInput
                {...ids} value={query.limit} placeholder={widget.kind === "table" ? "50" : widget.kind === "timeseries" ? "8" : "10"}
                onNumber={(limit) => put({ limit: limit === undefined ? null : Math.max(1, Math.round(limit)) })}
              />
            )}
          </Field>
          <Field label={w.order} error={problemOf("query.order")}>
            {(ids) => (
              <Select<"desc" | "asc">
                {...ids} value={query.order ?? "desc"} onPick={(order) => put({ order: order === "desc" ? null : order })}
                options={[{ value: "desc", label: w.orders.desc }, { value: "asc", label: w.orders.asc }]}
              />
            )}
          </Field>
        </div>
      )}
      {offer.other && <Switch label={w.other} on={query.other ?? false} onToggle={(on) => put({ other: on ? true : null })} />}
      <div className="columns-2">
        <Field label={w.period} error={problemOf("query.period")}>
          {(ids) => (
            <Select
              {...ids} value={typeof query.period === "object" ? "" : query.period ?? "30d"} onPick={(value) => value !== "" && put({ period: value })}
              options={[...(typeof query.period === "object" ? [{ value: "", label: w.ownPeriod }] : []),
                ...Object.entries(w.periods).map(([value, label]) => ({ value, label }))]}
            />
          )}
        </Field>
        {offer.granularity && (
          <Field label={w.granularity} error={problemOf("query.granularity")}>
            {(ids) => (
              <Select
                {...ids} value={query.granularity ?? ""}
                onPick={(value) => put({ granularity: value === "" ? null : (value as NonNullable<Query["granularity"]>) })}
                options={[{ value: "", label: w.automatic }, ...Object.entries(w.granularities).map(([value, label]) => ({ value, label }))]}
              />
            )}
          </Field>
        )}
      </div>
      {period !== null && <p className="field-hint after">{w.periodHint((w.periods[period] ?? period).toLowerCase())}</p>}
      {offer.compare && (
        <Field label={w.compare} error={problemOf("query.compare")}>
          {(ids) => (
            <Select
              {...ids} value={query.compare ?? ""} onPick={(value) => put({ compare: value })}
              options={[{ value: "", label: w.compareNone }, ...Object.entries(w.compares).map(([value, label]) => ({ value, label }))]}
            />
          )}
        </Field>
      )}
    </>
  );
}

const metricOptions = [
  { group: w.metricGroups.counting, options: ["count", "count_unique", "count_unique_approx"].map((value) => ({ value, label: w.metrics[value] ?? value })) },
  {
    group: w.metricGroups.measuring,
    options: ["sum", "avg", "min", "max", "p50", "p90", "p95", "p99"].map((value) => ({ value, label: w.metrics[value] ?? value })),
  },
];

export function eventOf(widget: DraftWidget, events: readonly EventType[]): EventType | null {
  return events.find(({ event_name }) => event_name === widget.query?.event_name) ?? null;
}

/** Texts of one event, or of all; and what every event has. */
export function dimensionsOf(event: EventType | null, events: readonly EventType[]): readonly Suggestion[] {
  const found = new Map<string, number>();
  for (const { dimensions } of event ? [event] : events) for (const { name, cardinality } of dimensions) found.set(name,
    Math.max(found.get(name) ?? 0, cardinality));
  return [
    ...[...found].map(([value, cardinality]) => ({ value, note: w.cardinality(compactCount(cardinality)) })),
    { value: "event_name", note: w.builtIn }, { value: "user_id", note: w.builtIn },
  ];
}

export function numbersOf(event: EventType | null, events: readonly EventType[]): readonly Suggestion[] {
  const names = new Set((event ? [event] : events).flatMap(({ numeric_properties }) => numeric_properties.map(({ name }) => name)));
  return [...names].map((value) => ({ value }));
}

export function without<T extends object, K extends keyof T>(value: T, member: K): Omit<T, K> & T {
  const { [member]: _gone, ...rest } = value;
  return rest as Omit<T, K> & T;
}

/** Without members that say nothing. */
export function clean(widget: DraftWidget): DraftWidget {
  const { options, format } = widget;
  const kept = options && Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined && value !== ""));
  let next = widget;
  if (options) next = kept && Object.keys(kept).length > 0 ? { ...next, options: kept } : without(next, "options");
  if (format && Object.keys(format).length === 0) next = without(next, "format");
  return next;
}

