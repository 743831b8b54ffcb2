import type { DateRange, Granularity } from "./types";

const formats = new Map<string, Intl.DateTimeFormat>();

function dateFormat(locale: string, timezone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${locale}|${timezone}|${JSON.stringify(options)}`;
  let format = formats.get(key);
  if (!format) {
    try {
      format = new Intl.DateTimeFormat(locale, { ...options, timeZone: timezone });
    } catch {
      format = new Intl.DateTimeFormat(locale, { ...options, timeZone: "UTC" });
    }
    formats.set(key, format);
  }
  return format;
}

export interface TimeContext {
  readonly locale: string;
  readonly timezone: string;
}

/** Short label of a bucket for an axis. */
export function axisTime(iso: string, granularity: Granularity, context: TimeContext): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return iso;
  const format = (options: Intl.DateTimeFormatOptions) => dateFormat(context.locale, context.timezone, options).format(date);
  switch (granularity) {
    case "minute":
    case "hour":
      return isMidnight(date, context) ? format({ month: "short", day: "numeric" }) : format({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
    case "day":
    case "week":
      return format({ month: "short", day: "numeric" });
    case "month":
      return format({ month: "short", year: "numeric" });
  }
}

/** Full label of a bucket for a tooltip or a table. */
export function bucketTime(iso: string, granularity: Granularity, context: TimeContext): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return iso;
  const format = (when: Date, options: Intl.DateTimeFormatOptions) => dateFormat(context.locale, context.timezone, options).format(when);
  switch (granularity) {
    case "minute":
    case "hour":
      return format(date, { weekday: "short", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
    case "day":
      return format(date, { weekday: "short", month: "short", day: "numeric", year: "numeric" });
    case "week": {
      const last = new Date(date.getTime() + 6 * 86_400_000);
      return `${format(date, { month: "short", day: "numeric" })} – ${format(last, { month: "short", day: "numeric", year: "numeric" })}`;
    }
    case "month":
      return format(date, { month: "long", year: "numeric" });
  }
}

/** Date and time for cells of underlying rows. */
export function exactTime(iso: string, context: TimeContext): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return iso;
  return dateFormat(context.locale, context.timezone, {
    year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
  }).format(date);
}

export function dayRange(range: DateRange, context: TimeContext): string {
  const days = toDays(range, context.timezone);
  const noon = (day: string) => new Date(`${day}T12:00:00Z`);
  const format = dateFormat(context.locale, "UTC", { month: "short", day: "numeric", year: "numeric" });
  return days.from === days.to ? format.format(noon(days.from)) : format.formatRange(noon(days.from), noon(days.to));
}

/** A half-open range of instants: in days where it holds whole ones, otherwise with the times of day. */
export function spanText(range: DateRange, context: TimeContext): string {
  const days = toDays(range, context.timezone);
  const whole = fromDays(days.from, days.to, context.timezone);
  if (days.from === range.from || (Date.parse(whole.from) === Date.parse(range.from) && Date.parse(whole.to) === Date.parse(range.to))) return dayRange(range, context);
  const format = dateFormat(context.locale, context.timezone, {
    weekday: "short", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
  });
  return format.formatRange(new Date(range.from), new Date(range.to));
}

/** Length of a bucket in milliseconds; months are 30 days, good enough to see whether one has ended. */
export function bucketLength(granularity: Granularity): number {
  return { minute: 60_000, hour: 3_600_000, day: 86_400_000, week: 604_800_000, month: 30 * 86_400_000 }[granularity];
}

/** First and last day (`YYYY-MM-DD`, both inclusive) that a half-open range of instants covers in `timezone`. */
export function toDays(range: DateRange, timezone: string): { readonly from: string; readonly to: string } {
  const plain = /^\d{4}-\d{2}-\d{2}$/;
  const from = plain.test(range.from) ? range.from : dayOf(new Date(range.from), timezone);
  const to = plain.test(range.to) ? range.to : dayOf(new Date(Date.parse(range.to) - 1), timezone);
  return { from, to: to < from ? from : to };
}

/** The half-open range of instants for two days chosen by the viewer, both inclusive: [midnight of from, midnight after to). */
export function fromDays(from: string, to: string, timezone: string): DateRange {
  return { from: midnight(from, timezone), to: midnight(nextDay(to), timezone) };
}

export function daysBetween(from: string, to: string): number {
  return Math.round((Date.parse(`${to}T00:00:00Z`) - Date.parse(`${from}T00:00:00Z`)) / 86_400_000) + 1;
}

function dayOf(date: Date, timezone: string): string {
  const parts = dateFormat("en-CA", timezone, { year: "numeric", month: "2-digit", day: "2-digit" }).formatToParts(date);
  const part = (type: string) => parts.find((candidate) => candidate.type === type)?.value ?? "";
  return `${part("year")}-${part("month")}-${part("day")}`;
}

function nextDay(day: string): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10);
}

/** Instant at which `day` begins in `timezone`, found by correcting twice for the zone's offset (which may change that day). */
function midnight(day: string, timezone: string): string {
  const wanted = Date.parse(`${day}T00:00:00Z`);
  let instant = wanted;
  for (let round = 0; round < 2; round += 1) instant = wanted - offsetAt(instant, timezone);
  return new Date(instant).toISOString().replace(".000Z", "Z");
}

function offsetAt(instant: number, timezone: string): number {
  const parts = dateFormat("en-US", timezone, {
    year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric", hourCycle: "h23",
  }).formatToParts(new Date(instant));
  const part = (type: string) => Number(parts.find((candidate) => candidate.type === type)?.value ?? 0);
  return Date.UTC(part("year"), part("month") - 1, part("day"), part("hour"), part("minute"), part("second")) - Math.floor(instant / 1000) * 1000;
}

/** Day of the week (1 is Monday), hour and minute of a moment in a zone. */
export function weekHour(iso: string, timezone: string): { readonly weekday: number; readonly hour: number; readonly minute: number } {
  const parts = dateFormat("en-US", timezone, { weekday: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).formatToParts(new Date(iso));
  const part = (type: string) => parts.find((candidate) => candidate.type === type)?.value ?? "";
  return { weekday: ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].indexOf(part("weekday")) + 1, hour: Number(part("hour")), minute: Number(part("minute")) };
}

/** Hour of day, 0…23, in the zone of `context`. */
export function hourOf(iso: string, context: TimeContext): number {
  return Number(dateFormat("en-US", context.timezone, { hour: "2-digit", hourCycle: "h23" }).format(new Date(iso)));
}

function isMidnight(date: Date, context: TimeContext): boolean {
  return dateFormat("en-US", context.timezone, { hour: "numeric", minute: "numeric", hourCycle: "h23" }).format(date) === "00:00";
}

/** Monday … Sunday. */
export function weekdayNames(locale: string, length: "short" | "long"): readonly string[] {
  // The first of January 2024 was a Monday.
  return Array.from({ length: 7 }, (_unused, day) => dateFormat(locale, "UTC", { weekday: length }).format(new Date(Date.UTC(2024, 0, 1 + day))));
}
