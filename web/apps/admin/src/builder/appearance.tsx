import type { Threshold, ValueFormat, WidgetOptions } from "@emban/core";
import type { DraftWidget } from "../api/types";
import { Button, Field, IconButton, NumberInput, Select, Switch, TextInput } from "../ui";
import { words } from "../words";
import { ColorField } from "./color-field";

const w = words.widget;

interface AppearanceProps {
  readonly widget: DraftWidget;
  readonly problemOf: (member: string) => string | null;
  readonly onChange: (widget: DraftWidget, key: string) => void;
}

/** How the values are written, and what the chart does with them. */
export function Appearance({ widget, problemOf, onChange }: AppearanceProps): JSX.Element {
  const { chart, kind } = widget;
  const options = widget.options ?? {};
  const put = (changes: { readonly [K in keyof WidgetOptions]?: WidgetOptions[K] | undefined }) => {
    const next: Record<string, unknown> = { ...options, ...changes };
    for (const [name, value] of Object.entries(next)) if (value === undefined || value === "") delete next[name];
    onChange({ ...widget, options: next as WidgetOptions }, `options.${Object.keys(changes)[0] ?? ""}`);
  };
  const isSeries = kind === "timeseries";
  const hasTarget = chart === "progress" || chart === "gauge";
  const isOneColor = !widget.query?.group_by && isSeries && chart !== "dual_axis" && chart !== "waterfall";
  return (
    <>
      <FormatFields
        label={w.format} format={widget.format} problem={problemOf("format.unit") ?? problemOf("format")}
        onChange={(format) => onChange(format ? { ...widget, format } : withoutFormat(widget), "format")}
      />
      {hasTarget && (
        <div className="columns-2">
          <Field label={w.target} error={problemOf("options.target")}>
            {(ids) => <NumberInput {...ids} value={options.target} onNumber={(target) => put({ target })} />}
          </Field>
          {chart === "progress" && (
            <Field label={w.targetLabel}>{(ids) => <TextInput {...ids} value={options.target_label ?? ""} onText={(text) => put({ target_label: text })} />}</Field>
          )}
        </div>
      )}
      {chart === "gauge" && (
        <>
          <div className="columns-2">
            <Field label={w.min}>{(ids) => <NumberInput {...ids} value={options.min} placeholder="0" onNumber={(min) => put({ min })} />}</Field>
            <Field label={w.max}>{(ids) => <NumberInput {...ids} value={options.max} placeholder={w.automatic} onNumber={(max) => put({ max })} />}</Field>
          </div>
          <Thresholds thresholds={options.thresholds ?? []} onChange={(thresholds) => put({ thresholds: thresholds.length > 0 ? thresholds : undefined })} />
        </>
      )}
      {chart === "dual_axis" || chart === "scatter" || widget.query?.second_metric ? (
        <>
          <Field label={w.secondLabel}>{(ids) => <TextInput {...ids} value={options.second_label ?? ""} onText={(text) => put({ second_label: text })} />}</Field>
          <FormatFields label={w.secondMetric} format={options.second_format} problem={null} onChange={(format) => put({ second_format: format })} />
        </>
      ) : null}
      {isOneColor && (
        <Field label={w.color}>
          {(ids) => <ColorField ids={ids} label={w.color} value={options.color} fallback="#4a63e7" onColor={(color) => put({ color })} />}
        </Field>
      )}
      {(chart === "area" || chart === "line") && isSeries && <Switch label={w.smooth} on={options.smooth ?? false}
        onToggle={(on) => put({ smooth: on || undefined })} />}
      {(chart === "area" || chart === "bar") && isSeries && widget.query?.group_by && <Switch label={w.stacked} on={options.stacked ?? false}
        onToggle={(on) => put({ stacked: on || undefined })} />}
      {isSeries && <Switch label={w.legend} on={options.show_legend !== false} onToggle={(on) => put({ show_legend: on ? undefined : false })} />}
      {chart === "pivot" && <Switch label={w.heat} on={options.heat !== false} onToggle={(on) => put({ heat: on ? undefined : false })} />}
      {(widget.query?.compare || chart === "gauge") && (
        <Field label={w.direction}>
          {(ids) => (
            <Select
              {...ids} value={options.good_direction ?? "auto"} onPick={(value) => put({ good_direction: value === "auto" ? undefined : value })}
              options={(["auto", "up", "down", "none"] as const).map((value) => ({ value, label: w.directions[value] }))}
            />
          )}
        </Field>
      )}
      {kind !== "kpi" && (
        <Field label={w.onClick}>
          {(ids) => (
            <Select
              {...ids} value={options.on_click ?? "auto"} onPick={(value) => put({ on_click: value === "auto" ? undefined : value })}
              options={(["auto", "filter", "drill", "none"] as const).map((value) => ({ value, label: w.clicks[value] }))}
            />
          )}
        </Field>
      )}
    </>
  );
}

function withoutFormat(widget: DraftWidget): DraftWidget {
  const { format: _format, ...rest } = widget;
  return rest;
}

function FormatFields({ label, format, problem, onChange }: {
  readonly label: string; readonly format: ValueFormat | undefined; readonly problem: string | null;
  readonly onChange: (format: ValueFormat | undefined) => void;
}): JSX.Element {
  const style = format?.style ?? "auto";
  const put = (changes: { readonly decimals?: number | undefined; readonly unit?: string }) => {
    const next: Record<string, unknown> = { ...format, ...changes };
    for (const [name, value] of Object.entries(next)) if (value === undefined || value === "") delete next[name];
    onChange(next as ValueFormat);
  };
  return (
    <>
      <Field label={label} error={problem}>
        {(ids) => (
          <Select
            {...ids} value={style}
            onPick={(value) => onChange(value === "auto" ? undefined
              : { style: value, ...(value === "duration" && { unit: "ms" }), ...(value === "currency" && { unit: "USD" }) })}
            options={Object.entries(w.formats).map(([value, name]) => ({ value, label: name }))}
          />
        )}
      </Field>
      {style !== "auto" && (
        <div className="columns-2">
          <Field label={w.decimals}>
            {(ids) => (
              <NumberInput
                {...ids} value={format?.decimals} placeholder={w.automatic}
                onNumber={(decimals) => put({ decimals: decimals === undefined ? undefined : Math.min(10, Math.max(0, Math.round(decimals))) })}
              />
            )}
          </Field>
          {style !== "bytes" && (
            <Field label={w.unit} hint={w.unitHints[style]}>
              {(ids) => <TextInput {...ids} value={format?.unit ?? ""} maxLength={20} onText={(unit) => put({ unit })} />}
            </Field>
          )}
        </div>
      )}
    </>
  );
}

function Thresholds({ thresholds, onChange }: {
  readonly thresholds: readonly Threshold[]; readonly onChange: (thresholds: readonly Threshold[]) => void;
}): JSX.Element {
  const put = (index: number, threshold: Threshold) => onChange(thresholds.map((one, at) => (at === index ? threshold : one)));
  return (
    <div className="stack tight" role="group" aria-label={w.thresholds}>
      <span className="field-label">{w.thresholds}</span>
      {thresholds.map((threshold, index) => (
        <div className="row" key={index}>
          <span className="threshold-value">
            <NumberInput aria-label={`${w.thresholds} ${index + 1}`} value={threshold.value} onNumber={(value) => put(index, { ...threshold, value: value ?? 0 })} />
          </span>
          <span className="grow">
            <ColorField
              label={`${w.color} ${index + 1}`} value={threshold.color} fallback="#d9730d"
              onColor={(color) => put(index, color ? { value: threshold.value, color } : { value: threshold.value })}
            />
          </span>
          <IconButton icon="close" label={`${words.common.remove} ${index + 1}`} onClick={() => onChange(thresholds.filter((_one, at) => at !== index))} />
        </div>
      ))}
      <p className="field-hint">{w.thresholdsHint}</p>
      <span>
        <Button small icon="plus" onClick={() => onChange([...thresholds, { value: (thresholds[thresholds.length - 1]?.value ?? 0) + 10 }])}>
          {w.addThreshold}
        </Button>
      </span>
    </div>
  );
}
