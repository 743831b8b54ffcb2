import { strings } from "./strings";
import type { QueryWidget, ValueFormat } from "./types";

const cache = new Map<string, Intl.NumberFormat>();

function numberFormat(locale: string, options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = locale + JSON.stringify(options);
  let format = cache.get(key);
  if (!format) {
    try {
      format = new Intl.NumberFormat(locale, options);
    } catch {
      // An unknown locale or currency code must not take the chart down.
      const { currency: _currency, style: _style, ...plain } = options;
      format = new Intl.NumberFormat("en", plain);
    }
    cache.set(key, format);
  }
  return format;
}

/** How much room a number has: `axis` is shortest, `full` is never abbreviated. */
export type Room = "axis" | "headline" | "cell" | "full";

/** The author's format, completed by what metric and property give away (`…_ms` is a duration, `…_bytes` a size). */
export function formatOf(widget: QueryWidget): ValueFormat {
  return completed(widget.format, widget.query.metric, widget.query.numeric_prop);
}

/** The same for the second metric, whose format is `options.second_format`. */
export function secondFormatOf(widget: QueryWidget): ValueFormat {
  return completed(widget.options?.second_format, widget.query.second_metric ?? "count", widget.query.second_numeric_prop);
}

/** "Count", "Sum of tokens", "95th percentile of latency"; the unit at the end of a property's name stands with its numbers. */
export function metricName(metric: string, property: string | undefined): string {
  const name = strings.metrics[metric] ?? strings.value;
  const subject = metric.startsWith("count") ? "" : humanize((property ?? "").replace(/_(ms|s|sec|secs|seconds|millis|milliseconds|bytes|usd|eur)$/i, ""));
  return subject === "" ? name : strings.metricOf(name, subject);
}

export function secondName(widget: QueryWidget): string {
  return widget.options?.second_label ?? metricName(widget.query.second_metric ?? "", widget.query.second_numeric_prop);
}

function completed(format: ValueFormat | undefined, metric: string, numericProp: string | undefined): ValueFormat {
  if (format?.style) return format;
  const property = metric.startsWith("count") ? "" : numericProp ?? "";
  const guess: ValueFormat =
    /_ms$|_millis(econds)?$/i.test(property)
      ? { style: "duration", unit: "ms" }
      : /_(s|sec|secs|seconds)$/i.test(property)
        ? { style: "duration", unit: "s" }
        : /_bytes$|^bytes$/i.test(property)
          ? { style: "bytes" }
          : /_usd$/i.test(property)
            ? { style: "currency", unit: "USD" }
            : /_eur$/i.test(property)
              ? { style: "currency", unit: "EUR" }
              : { style: "number" };
  return { ...guess, ...format };
}

export function formatValue(value: number | null | undefined, format: ValueFormat, locale: string, room: Room = "cell"): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return strings.noValue;
  switch (format.style) {
    case "percent":
      return formatNumber(format.unit === "ratio" ? value * 100 : value, { ...format, unit: "" }, locale, room, 1) + "%";
    case "currency":
      return formatCurrency(value, format, locale, room);
    case "duration":
      return formatDuration(value, format, locale, room);
    case "bytes":
      return formatBytes(value, format, locale, room);
    default: {
      const text = formatNumber(value, format, locale, room);
      return format.unit && room !== "axis" ? `${text} ${format.unit}` : text;
    }
  }
}

function formatNumber(value: number, format: ValueFormat, locale: string, room: Room, fallbackDecimals?: number): string {
  const size = Math.abs(value);
  const compact = room === "axis" ? size >= 10_000 : room === "headline" ? size >= 1_000_000 : room === "cell" ? size >= 10_000_000 : false;
  if (compact && size >= 1000) {
    const digits = room === "axis" ? 1 : 2;
    return numberFormat(locale, { notation: "compact", maximumFractionDigits: digits }).format(value);
  }
  if (room === "axis") return numberFormat(locale, { maximumFractionDigits: size < 1 ? 3 : size < 10 ? 2 : 1 }).format(value);
  if (format.decimals !== undefined) {
    const digits = Math.min(10, Math.max(0, Math.round(format.decimals)));
    return numberFormat(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
  }
  const digits = fallbackDecimals ?? (size >= 1000 || Number.isInteger(value) ? 0 : size >= 100 ? 1 : size >= 1 ? 2 : 3);
  return numberFormat(locale, { maximumFractionDigits: digits }).format(value);
}

function formatCurrency(value: number, format: ValueFormat, locale: string, room: Room): string {
  const size = Math.abs(value);
  const options: Intl.NumberFormatOptions = { style: "currency", currency: currencyUnit(format.unit) };
  const compact = room === "axis" ? size >= 1000 : room === "headline" && size >= 1_000_000;
  if (compact) return numberFormat(locale, { ...options, notation: "compact", minimumFractionDigits: 0, maximumFractionDigits: room === "axis" ? 1 : 2 }).format(value);
  if (room === "axis") return numberFormat(locale, { ...options, minimumFractionDigits: 0, maximumFractionDigits: size < 10 ? 2 : 0 }).format(value);
  const digits = format.decimals ?? (size >= 1000 && room === "headline" ? 0 : size > 0 && size < 0.1 ? 4 : 2);
  return numberFormat(locale, { ...options, minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
}

function currencyUnit(unit: string | undefined): string {
  return unit && /^[A-Za-z]{3}$/.test(unit) ? unit.toUpperCase() : "USD";
}

const durationUnits: ReadonlyArray<{ readonly name: string; readonly ms: number }> = [
  { name: "d", ms: 86_400_000 }, { name: "h", ms: 3_600_000 }, { name: "min", ms: 60_000 }, { name: "s", ms: 1000 },
  { name: "ms", ms: 1 }, { name: "µs", ms: 0.001 },
];

function formatDuration(value: number, format: ValueFormat, locale: string, room: Room): string {
  const source = durationUnits.find((unit) => unit.name === (format.unit ?? "ms")) ?? { name: "ms", ms: 1 };
  const milliseconds = value * source.ms;
  const size = Math.abs(milliseconds);
  if (size === 0 && room === "axis") return "0";
  // "940 ms", "1.24 s", "3 min 20 s".
  const unit = size === 0 ? source : durationUnits.find((candidate) => size >= candidate.ms) ?? { name: "µs", ms: 0.001 };
  if (room !== "axis" && unit.ms >= 60_000) {
    const whole = Math.trunc(milliseconds / unit.ms);
    const smaller = durationUnits[durationUnits.indexOf(unit) + 1];
    const rest = smaller ? Math.round(Math.abs(milliseconds % unit.ms) / smaller.ms) : 0;
    const head = `${numberFormat(locale, {}).format(whole)} ${unit.name}`;
    return smaller && rest > 0 ? `${head} ${rest} ${smaller.name}` : head;
  }
  const scaled = milliseconds / unit.ms;
  // The author's decimals belong to the stored unit: "0 decimals of milliseconds" must not turn 1.7 s into 2 s.
  const usual = unit.name === "ms" ? (Math.abs(scaled) < 10 ? 1 : 0) : Math.abs(scaled) < 10 ? 2 : 1;
  const digits = unit === source ? format.decimals ?? usual : usual;
  // "1.90 s" beside "2.44 s"; a whole number in its own unit stays one.
  const fixed = room !== "axis" && unit.name === "s" && !(unit === source && Number.isInteger(scaled)) ? { minimumFractionDigits: digits } : {};
  return `${numberFormat(locale, { maximumFractionDigits: room === "axis" ? 1 : digits, ...fixed }).format(scaled)} ${unit.name}`;
}

/** The unit in which an axis up to `high` has round numbers, counted in the unit that is stored: minutes, hours and days are not decimal. */
export function axisStep(high: number, format: ValueFormat): number {
  if (format.style !== "duration") return 1;
  const source = durationUnits.find((unit) => unit.name === (format.unit ?? "ms"))?.ms ?? 1;
  const unit = durationUnits.find((candidate) => Math.abs(high) * source >= candidate.ms);
  return unit && unit.ms >= 60_000 ? unit.ms / source : 1;
}

function formatBytes(value: number, format: ValueFormat, locale: string, room: Room): string {
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let index = 0;
  let scaled = value;
  while (Math.abs(scaled) >= 1000 && index < units.length - 1) {
    scaled /= 1000;
    index += 1;
  }
  if (value === 0 && room === "axis") return "0";
  const digits = (index === 0 ? format.decimals : undefined) ?? (index === 0 || Math.abs(scaled) >= 100 || room === "axis" ? 0 : 1);
  const fixed = room !== "axis" && index > 0 ? { minimumFractionDigits: digits } : {};
  return `${numberFormat(locale, { maximumFractionDigits: digits, ...fixed }).format(scaled)} ${units[index] ?? "B"}`;
}

/** The unit that an axis says once, where its labels do not: the suffix of plain numbers. */
export function axisUnit(format: ValueFormat): string {
  return format.style === undefined || format.style === "number" ? format.unit ?? "" : "";
}

/** A share 0…1 as percent. */
export function formatShare(share: number | null | undefined, locale: string): string {
  if (share === null || share === undefined || !Number.isFinite(share)) return strings.noValue;
  const percent = share * 100;
  if (percent > 0 && percent < 0.1) return "<0.1%";
  return twoDigits(percent, locale) + "%";
}

/** "4.0", "4.4", "42", "0": one below the other, the decimal points stand in line. */
function twoDigits(size: number, locale: string): string {
  const digits = size > 0 && size < 9.95 ? 1 : 0;
  return numberFormat(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(size);
}

/** A change in percent without its sign: the arrow beside it says the direction. */
export function formatChange(percent: number, locale: string): string {
  const size = Math.abs(percent);
  // From next to nothing anything is a huge rise: the earlier value beside it says more than "1.8M%".
  if (size >= 1000) return ">999%";
  return twoDigits(size < 0.05 ? 0 : size, locale) + "%";
}

export function formatCount(count: number, locale: string): string {
  return numberFormat(locale, { notation: "compact", maximumFractionDigits: 1 }).format(count);
}

/** `latency_ms` → `Latency ms`, `user_id` → `User ID`, `apiKey` → `Api key`. */
export function humanize(name: string): string {
  const words = name.replace(/([a-z0-9])([A-Z])/g, "$1 $2").replace(/[_.\-\s]+/g, " ").trim().toLowerCase();
  const text = words.replace(/\b(id|api|url|ip|sdk|http|sla)\b/g, (word) => word.toUpperCase());
  return text === "" ? name : text.charAt(0).toUpperCase() + text.slice(1);
}

/** The text for a dimension's value; a missing property is "". */
export function labelOf(value: unknown): string {
  return value === "" || value === null || value === undefined ? strings.none : String(value);
}

/** A usable BCP 47 tag, `en` for one the platform refuses. */
export function safeLocale(locale: string | undefined): string {
  try {
    return locale && Intl.NumberFormat.supportedLocalesOf(locale.replace(/_/g, "-")).length > 0 ? locale.replace(/_/g, "-") : "en";
  } catch {
    return "en";
  }
}
