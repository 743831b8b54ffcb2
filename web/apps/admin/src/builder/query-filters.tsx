import { useState, type KeyboardEvent } from "react";
import type { EventType, QueryFilter } from "../api/types";
import { Button, Combo, compactCount, IconButton, NumberInput, Select, type Suggestion } from "../ui";
import { words } from "../words";
import { isWhole, opFor } from "./conditions";
import { dimensionsOf, numbersOf } from "./widget-panel";

const w = words.widget;

interface QueryFiltersProps {
  readonly filters: readonly QueryFilter[];
  readonly event: EventType | null;
  readonly events: readonly EventType[];
  readonly problem: string | null;
  readonly onChange: (filters: readonly QueryFilter[], key: string) => void;
}

/** Conditions that always hold for a widget. One without a value is none yet: it stands here, and not in the draft, which could not be saved with it. */
export function QueryFilters({ filters: whole, event, events, problem, onChange: tell }: QueryFiltersProps): JSX.Element {
  const [shown, setShown] = useState(whole);
  // Undone, or changed elsewhere: then what is here is of before.
  const filters = JSON.stringify(shown.filter(isWhole)) === JSON.stringify(whole) ? shown : whole;
  const onChange = (next: readonly QueryFilter[], key: string) => {
    setShown(next);
    tell(next.filter(isWhole), key);
  };
  const dimensions = dimensionsOf(event, events);
  const numbers = numbersOf(event, events);
  const put = (index: number, filter: QueryFilter) => onChange(filters.map((one, at) => (at === index ? filter : one)), `filters.${index}`);
  const pick = (index: number, name: string) => put(index, numbers.some(({ value }) => value === name) ? { property: name, op: "gte", values: [0] }
    : { dimension: name, op: "in", values: [] });
  return (
    <div className="stack tight">
      {filters.map((filter, index) => {
        const isNumber = "property" in filter;
        const name = isNumber ? filter.property : filter.dimension;
        return (
          <div className="filter-box" key={index}>
            <div className="row">
              <span className="grow">
                <Combo
                  ids={{ "aria-label": `${words.filters.dimension} ${index + 1}` }} value={name} onPick={(value) => pick(index, value)}
                  suggestions={[...dimensions, ...numbers]} placeholder={w.choose}
                />
              </span>
              <IconButton icon="close" label={`${words.common.remove} ${name}`}
                onClick={() => onChange(filters.filter((_one, at) => at !== index), `filters.${filters.length}`)} />
            </div>
            {isNumber ? (
              <div className="row">
                <Select
                  aria-label={words.filters.type} value={filter.op}
                  onPick={(op) => put(index, { property: name, op, values: op === "between"
                    ? [filter.values[0] ?? 0, filter.values[1] ?? filter.values[0] ?? 0] : [filter.values[0] ?? 0] })}
                  options={(["gte", "lte", "between"] as const).map((value) => ({ value, label: w.filterOps[value] }))}
                />
                {filter.values.map((value, at) => (
                  <NumberInput
                    key={at} aria-label={at === 0 ? w.from : w.to} value={value}
                    onNumber={(number) => number !== undefined
                      && put(index, { property: name, op: filter.op, values: filter.values.map((one, place) => (place === at ? number : one)) })}
                  />
                ))}
              </div>
            ) : (
              <>
                <Select
                  aria-label={words.filters.type} value={filter.op === "eq" ? "in" : filter.op === "neq" ? "not_in" : filter.op ?? "in"}
                  onPick={(op) => put(index, { dimension: name, op, values: op === "contains" ? filter.values.slice(0, 1) : filter.values })}
                  options={(["in", "not_in", "contains"] as const).map((value) => ({ value, label: w.filterOps[value] }))}
                />
                <Values
                  values={filter.values} isSingle={filter.op === "contains"} suggestions={valuesOf(name, event, events)}
                  onChange={(values) => put(index, { dimension: name, op: opFor(filter.op, values), values })}
                />
              </>
            )}
          </div>
        );
      })}
      {problem && <p className="field-error" role="alert">{problem}</p>}
      <span>
        <Button small icon="plus" onClick={() => onChange([...filters, { dimension: dimensions[0]?.value ?? "event_name", op: "in", values: [] }],
          `filters.${filters.length}`)}>
          {w.addFilter}
        </Button>
      </span>
    </div>
  );
}

/** The most frequent values of a property. */
export function valuesOf(name: string, event: EventType | null, events: readonly EventType[]): readonly Suggestion[] {
  if (name === "event_name") return events.map(({ event_name, count }) => ({ value: event_name, note: compactCount(count) }));
  const found = new Map<string, number>();
  for (const { dimensions } of event ? [event] : events) {
    const values = dimensions.find((dimension) => dimension.name === name)?.top_values ?? [];
    for (const { value, count } of values) found.set(value, (found.get(value) ?? 0) + count);
  }
  return [...found].map(([value, count]) => ({ value, note: compactCount(count) }));
}

/** Several texts as chips, with a field for one more. */
export function Values({ values, suggestions, isSingle = false, onChange }: {
  readonly values: readonly string[]; readonly suggestions: readonly Suggestion[]; readonly isSingle?: boolean;
  readonly onChange: (values: readonly string[]) => void;
}): JSX.Element {
  const key = (event: KeyboardEvent) => {
    if (event.key === "Backspace" && event.target instanceof HTMLInputElement && event.target.value === "" && values.length > 0) onChange(values.slice(0, -1));
  };
  return (
    <div className="chips-box" onKeyDown={key}>
      {values.map((value) => (
        <span className="chip" key={value}>
          <span className="cut">{value === "" ? "“”" : value}</span>
          <button type="button" aria-label={`${words.common.remove} ${value}`} onClick={() => onChange(values.filter((one) => one !== value))}>×</button>
        </span>
      ))}
      <span className="chips-more">
        <Combo
          value="" ids={{ "aria-label": w.values }} placeholder={w.valuesPlaceholder} suggestions={suggestions.filter(({ value }) => !values.includes(value))}
          onPick={(value) => value !== "" && onChange(isSingle ? [value] : [...values.filter((one) => one !== value), value])}
        />
      </span>
    </div>
  );
}
