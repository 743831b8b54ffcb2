import { EmbanError, isRecord } from "./errors";
import { batches, envelopeOf, halves, RequestSize, type Batch, type StoredEvent } from "./events";
import type { RequestOptions, Transport } from "./transport";
import type { IngestResult, RejectedEvent } from "./types";

/** Not all events were sent. What `unsent` holds may be given to `ingest` again, whatever the server has seen of it: each event has its id. */
export class IngestError extends EmbanError {
  override readonly name = "IngestError";
  /** What came of the events that were sent before. */
  readonly result: IngestResult;
  readonly #unsent: readonly StoredEvent[];

  constructor(error: EmbanError, result: IngestResult, unsent: readonly StoredEvent[]) {
    super(error.code, error.message, {
      status: error.status, requestId: error.requestId, details: error.details, retryAfter: error.retryAfter, body: error.body, cause: error.cause,
    });
    this.result = result;
    this.#unsent = unsent;
  }

  /** Behind a getter, so that an error that is logged shows nothing of your customers. */
  get unsent(): readonly StoredEvent[] {
    return this.#unsent;
  }
}

/**
 * Sends `events`, request after request. What a proxy finds too large (413) is halved until it fits: an event that alone is too large is rejected, the
 * others go on. Throws {@link IngestError} when a request fails, or when no event at all was valid.
 */
export async function send(transport: Transport, events: readonly StoredEvent[], size: RequestSize, options: RequestOptions): Promise<IngestResult> {
  const split = batches(events, size.limit);
  const errors: RejectedEvent[] = [...split.unfit];
  let accepted = 0;
  let rejected = split.unfit.length;
  const result = (): IngestResult => ({ accepted, rejected, status: rejected > 0 ? "partial" : "ok", errors: [...errors].sort((one, other) => one.index - other.index) });
  let nothingValid: EmbanError | null = null;
  const left = [...split.batches];
  for (let batch = left.shift(); batch; batch = left.shift()) {
    try {
      const answer = await sendBatch(transport, batch, options);
      size.passed();
      accepted += answer.accepted;
      rejected += answer.rejected;
      errors.push(...answer.errors);
      nothingValid = answer.error ?? nothingValid;
    } catch (error) {
      if (!(error instanceof EmbanError)) throw error;
      if (error.status !== 413) throw new IngestError(error, result(), [batch, ...left].flatMap((rest) => rest.events));
      if (batch.events.length > 1) {
        size.refused(batch);
        left.unshift(...halves(batch));
        continue;
      }
      rejected += 1;
      errors.push(...batch.indices.map((index) => ({ index, code: "event_too_large", expected: "must be small enough for what stands before the server, which answered 413" })));
      nothingValid = error;
    }
  }
  if (accepted === 0 && rejected > 0) {
    throw new IngestError(nothingValid ?? new EmbanError("no_valid_event", "No event is valid.", { status: 422 }), result(), []);
  }
  return result();
}

type BatchAnswer = Omit<IngestResult, "status"> & { readonly error?: EmbanError };

/** That no event of one request is valid says nothing of the others. */
async function sendBatch(transport: Transport, batch: Batch, options: RequestOptions): Promise<BatchAnswer> {
  try {
    const { status, body } = await transport.send({
      method: "POST", path: "/v1/events", body: envelopeOf(batch.texts), isRepeatable: true, signal: options.signal,
    });
    return readAnswer(status, body, batch);
  } catch (error) {
    if (error instanceof EmbanError && error.code === "no_valid_event") return { ...readAnswer(error.status, error.body, batch), error };
    throw error;
  }
}

function readAnswer(status: number, body: unknown, batch: Batch): Omit<IngestResult, "status"> {
  // A gateway that answers for everybody has stored nothing.
  if (!isRecord(body) || typeof body["accepted"] !== "number") {
    throw new EmbanError("invalid_response", "The answer does not say how many events were accepted.", { status });
  }
  const listed = Array.isArray(body["errors"]) ? body["errors"].filter(isRecord) : [];
  const errors = listed.map((entry) => ({ ...(entry as unknown as RejectedEvent), index: batch.indices[Number(entry["index"])] ?? -1 }));
  return { accepted: body["accepted"], rejected: typeof body["rejected"] === "number" ? body["rejected"] : 0, errors };
}
