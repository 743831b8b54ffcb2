/** When a request is repeated, and after how long. */
export interface RetryPolicy {
  /** Repetitions after the first attempt. */
  readonly retries: number;
  /** Before the first repetition, in milliseconds; doubled for each one after it. */
  readonly delay: number;
  readonly maximumDelay: number;
  /** A server that asks for more patience than this, in milliseconds, is not asked again. */
  readonly patience: number;
  readonly random: () => number;
}

/** The wait before repetition `attempt` (from 0), or null for no more: with jitter, and never shorter than the server asked for. */
export function waitBefore(policy: RetryPolicy, attempt: number, retryAfter: number | undefined): number | null {
  if (attempt >= policy.retries) return null;
  const asked = (retryAfter ?? 0) * 1000;
  if (asked > policy.patience) return null;
  const backoff = Math.min(policy.maximumDelay, policy.delay * 2 ** attempt) * (0.5 + policy.random() / 2);
  // Many clients that were sent away at the same moment must not come back at the same moment.
  return asked > 0 ? asked + policy.random() * Math.min(1000, asked / 2) : backoff;
}

/** Seconds of a `Retry-After` header, which holds seconds or a date. */
export function retryAfterOf(header: string | null, now: number): number | undefined {
  if (header === null || header.trim() === "") return undefined;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return Math.max(0, seconds);
  const date = Date.parse(header);
  return Number.isFinite(date) ? Math.max(0, (date - now) / 1000) : undefined;
}
