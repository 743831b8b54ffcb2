import type { DraftWidget } from "../api/types";

/** Asks what is wanted, a few questions at a time and each once: what is wanted anew comes into the same line, and what is not wanted any more leaves it. */
export class Questions {
  private waiting: string[] = [];
  private readonly underWay = new Map<string, AbortController>();

  constructor(private readonly mostAtOnce: number, private readonly ask: (question: string, signal: AbortSignal) => Promise<void>) {}

  /** All that is wanted from now on, the most urgent first. */
  want(questions: readonly string[]): void {
    for (const [question, abort] of this.underWay) {
      if (questions.includes(question)) continue;
      this.underWay.delete(question);
      abort.abort();
    }
    this.waiting = [...new Set(questions)].filter((question) => !this.underWay.has(question));
    this.next();
  }

  private next(): void {
    while (this.underWay.size < this.mostAtOnce) {
      const question = this.waiting.shift();
      if (question === undefined) return;
      const abort = new AbortController();
      this.underWay.set(question, abort);
      const over = () => {
        // Another may have been given its place already.
        if (abort.signal.aborted) return;
        this.underWay.delete(question);
        this.next();
      };
      this.ask(question, abort.signal).then(over, over);
    }
  }
}

/** Runs what it is given, at most so many at a time, in the order of asking; what was given up before its turn is not run. */
export function inTurns(mostAtOnce: number): <T>(run: () => Promise<T>, signal?: AbortSignal) => Promise<T> {
  const waiting: (() => void)[] = [];
  let count = 0;
  return async (run, signal) => {
    if (count >= mostAtOnce) await new Promise<void>((resolve) => waiting.push(resolve));
    else count += 1;
    try {
      signal?.throwIfAborted();
      return await run();
    } finally {
      // The place goes to the next one, or becomes free.
      const next = waiting.shift();
      if (next) next();
      else count -= 1;
    }
  };
}

/** What an earlier answer must share with a new question to stay in sight until the new answer is there: how it is drawn, and whose events it counts. */
export function formOf({ kind, chart, query }: DraftWidget, tenant: string, environment: string): string {
  return JSON.stringify([tenant, environment, kind, chart, query?.group_by, query?.group_by_2, query?.second_metric !== undefined]);
}
