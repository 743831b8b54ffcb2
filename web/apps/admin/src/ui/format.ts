/** Numbers and times as the console shows them, in the browser's own language. */
let zone: string | undefined;

/** Times are those of the organisation's zone from now on; of the browser's before anybody is signed in. */
export function showTimesIn(next: string | undefined): void {
  zone = next === undefined || isZone(next) ? next : "UTC";
}

/** Whether this browser knows a zone: servers may know more of them. */
function isZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat(undefined, { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

const numbers = new Intl.NumberFormat();
const short = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });

export function count(value: number): string {
  return numbers.format(value);
}

export function compactCount(value: number): string {
  return Math.abs(value) < 10_000 ? numbers.format(value) : short.format(value);
}

export function decimal(value: number): string {
  return new Intl.NumberFormat(undefined, { maximumFractionDigits: Math.abs(value) < 10 ? 2 : Math.abs(value) < 1000 ? 1 : 0 }).format(value);
}

export function dateTime(iso: string): string {
  return new Date(iso).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short", timeZone: zone });
}

export function exactDateTime(iso: string): string {
  return new Date(iso).toLocaleString(undefined, {
    weekday: "short", year: "numeric", month: "short", day: "numeric", hour: "numeric", minute: "2-digit", second: "2-digit", timeZoneName: "short", timeZone: zone,
  });
}

/** Day and time to the second, in the little room of a table; the year where it is another one. */
export function shortDateTime(iso: string, now = Date.now()): string {
  const year = (at: number) => new Date(at).toLocaleDateString("en", { year: "numeric", timeZone: zone });
  return new Date(iso).toLocaleString(undefined, {
    month: "short", day: "numeric", ...(year(Date.parse(iso)) !== year(now) && { year: "numeric" }), hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", timeZone: zone,
  });
}

export function isToday(iso: string, now = Date.now()): boolean {
  const day = (at: number) => new Date(at).toLocaleDateString("en", { timeZone: zone });
  return day(Date.parse(iso)) === day(now);
}

export function clockTime(iso: string): string {
  return new Date(iso).toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", timeZone: zone });
}

export function date(iso: string): string {
  return new Date(iso).toLocaleDateString(undefined, { dateStyle: "medium", timeZone: zone });
}

const units: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ["year", 31_536_000], ["month", 2_592_000], ["week", 604_800], ["day", 86_400], ["hour", 3600], ["minute", 60],
];

export function ago(iso: string, now = Date.now()): string {
  const seconds = (Date.parse(iso) - now) / 1000;
  for (const [unit, size] of units) if (Math.abs(seconds) >= size) return relative.format(Math.trunc(seconds / size), unit);
  return relative.format(Math.abs(seconds) < 10 ? 0 : Math.trunc(seconds), "second");
}
