import type { DraftConfig, DraftFilter, EventType } from "../api/types";
import { plain } from "../charts/gallery";
import { Button, Checkbox, Combo, Empty, Field, IconButton, Select, TextInput } from "../ui";
import { words } from "../words";
import { freeId } from "./places";
import { dimensionsOf, numbersOf } from "./widget-panel";

const w = words.filters;
const periods = ["1h", "24h", "7d", "30d", "90d", "12mo"];

interface FiltersPanelProps {
  readonly config: DraftConfig;
  readonly wasPublished: boolean;
  readonly events: readonly EventType[];
  readonly canEdit: boolean;
  readonly problemOf: (path: string) => string | null;
  readonly onChange: (filters: readonly DraftFilter[], key: string) => void;
}

/** What customers can change above the dashboard. */
export function FiltersPanel({ config, wasPublished, events, canEdit, problemOf, onChange }: FiltersPanelProps): JSX.Element {
  const filters = config.filters ?? [];
  const dimensions = dimensionsOf(null, events);
  const numbers = numbersOf(null, events);
  const put = (index: number, filter: DraftFilter, key = "") => onChange(filters.map((one, at) => (at === index ? filter : one)), `filterbar.${index}.${key}`);
  const move = (index: number, step: number) => {
    const next = [...filters];
    const [taken] = next.splice(index, 1);
    if (taken) next.splice(index + step, 0, taken);
    onChange(next, `filterbar.order.${taken?.id ?? ""}`);
  };
  const retype = (filter: DraftFilter, type: string): DraftFilter => {
    const base = { id: filter.id, type, ...(filter.label && { label: filter.label }) };
    if (type === "period") return { ...base, default: "30d", options: ["24h", "7d", "30d", "90d"] };
    if (type === "numeric_range") return { ...base, property: filter.property ?? numbers[0]?.value ?? "value" };
    if (type === "date_range") return base;
    return { ...base, dimension: filter.dimension ?? dimensions[0]?.value ?? "event_name" };
  };
  const add = () => {
    const has = (type: string) => filters.some((filter) => filter.type === type);
    const used = new Set(filters.map(({ dimension }) => dimension));
    const next = dimensions.find(({ value }) => !used.has(value));
    const id = freeId("f_", filters, wasPublished);
    onChange([...filters, !has("period") ? retype({ id, type: "period" }, "period") : next ? { id, type: "multi_select", dimension: next.value }
      : retype({ id, type: "date_range" }, "date_range")], `filterbar.add.${id}`);
  };
  return (
    <fieldset className="panel-form" disabled={!canEdit}>
      <p className="muted small">{w.text}</p>
      {filters.length === 0 && <Empty icon="filter" title={w.none} text={w.noneText} />}
      {filters.map((filter, index) => {
        const at = (member: string) => problemOf(`filters[${index}].${member}`);
        const isSelect = filter.type === "select" || filter.type === "multi_select";
        return (
          <div className="filter-card" key={filter.id}>
            <div className="row">
              <span className="grow">
                <Select
                  aria-label={w.type} value={filter.type} onPick={(type) => put(index, retype(filter, type), "type")}
                  options={Object.entries(w.types).map(([value, label]) => ({ value, label }))}
                />
              </span>
              <IconButton icon="up" label={w.up} disabled={index === 0} onClick={() => move(index, -1)} />
              <IconButton icon="chevron" label={w.down} disabled={index === filters.length - 1} onClick={() => move(index, 1)} />
              <IconButton
                icon="trash" label={`${words.common.remove}: ${filterName(filter)}`}
                onClick={() => onChange(filters.filter((_one, place) => place !== index), `filterbar.remove.${filter.id}`)}
              />
            </div>
            {isSelect && (
              <Field label={w.dimension} error={at("dimension")}>
                {(ids) => (
                  <Combo
                    ids={ids} value={filter.dimension ?? ""} onPick={(dimension) => put(index, { ...filter, dimension }, "dimension")}
                    suggestions={dimensions}
                  />
                )}
              </Field>
            )}
            {filter.type === "numeric_range" && (
              <Field label={w.property} error={at("property")}>
                {(ids) => (
                  <Combo ids={ids} value={filter.property ?? ""} onPick={(property) => put(index, { ...filter, property }, "property")} suggestions={numbers} />
                )}
              </Field>
            )}
            {filter.type === "period" && (
              <>
                <fieldset className="choices inline">
                  <legend>{w.options}</legend>
                  {periods.map((period) => {
                    const options = filter.options ?? periods;
                    return (
                      <Checkbox
                        key={period} label={period} on={options.includes(period)} disabled={options.length === 1 && options.includes(period)}
                        onToggle={(on) => {
                          const next = periods.filter((one) => (one === period ? on : options.includes(one)));
                          const first = next.includes(filter.default ?? "30d") ? filter.default ?? "30d" : next[0];
                          put(index, { ...filter, options: next, ...(first && { default: first }) }, "options");
                        }}
                      />
                    );
                  })}
                </fieldset>
                <Field label={w.default} error={at("default")}>
                  {(ids) => (
                    <Select
                      {...ids} value={filter.default ?? "30d"} onPick={(value) => put(index, { ...filter, default: value }, "default")}
                      options={(filter.options ?? periods).map((value) => ({ value, label: words.widget.periods[value] ?? value }))}
                    />
                  )}
                </Field>
              </>
            )}
            {isSelect && (
              <Field label={w.soft} optional hint={w.softHint} error={at("value")}>
                {(ids) => (
                  <TextInput
                    {...ids} mono value={filter.value ?? ""} placeholder="{{context.userId}}" spellCheck={false}
                    onText={(value) => {
                      const { value: _value, ...rest } = filter;
                      put(index, value === "" ? rest : { ...rest, value }, "value");
                    }}
                  />
                )}
              </Field>
            )}
            {filter.type !== "period" && filter.value === undefined && (
              <Field label={w.label} error={at("label")}>
                {(ids) => (
                  <TextInput
                    {...ids} value={filter.label ?? ""} placeholder={filterName({ ...filter, label: "" })}
                    onText={(label) => {
                      const { label: _label, ...rest } = filter;
                      put(index, label === "" ? rest : { ...rest, label }, "label");
                    }}
                  />
                )}
              </Field>
            )}
          </div>
        );
      })}
      <span><Button icon="plus" onClick={add}>{w.add}</Button></span>
    </fieldset>
  );
}

export function filterName(filter: DraftFilter): string {
  if (filter.label) return filter.label;
  if (filter.type === "period") return w.period;
  if (filter.type === "date_range") return w.dates;
  return plain(filter.dimension ?? filter.property ?? filter.id);
}
