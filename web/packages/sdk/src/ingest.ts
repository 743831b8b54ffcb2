import { EmbanError, isRecord } from "./errors";
import { batches, envelopeOf, type Batch, type StoredEvent } from "./events";
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

/** Sends `events`, request after request. Throws {@link IngestError} when one of them fails, or when no event at all was valid. */
export async function send(transport: Transport, events: readonly StoredEvent[], options: RequestOptions): Promise<IngestResult> {
  const split = batches(events);
  const errors: RejectedEvent[] = [...split.unfit];
  let accepted = 0;
  let rejected = split.unfit.length;
  const result = (): IngestResult => ({ accepted, rejected, status: rejected > 0 ? "partial" : "ok", errors: [...errors].sort((one, other) => one.index - other.index) });
  let nothingValid: EmbanError | null = null;
  for (const [number, batch] of split.batches.entries()) {
    try {
      const answer = await sendBatch(transport, batch, options);
      accepted += answer.accepted;
      rejected += answer.rejected;
      errors.push(...answer.errors);
      nothingValid = answer.error ?? nothingValid;
    } catch (error) {
      if (!(error instanceof EmbanError)) throw error;
      throw new IngestError(error, result(), split.batches.slice(number).flatMap((rest) => rest.events));
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
    const { body } = await transport.send({
      method: "POST", path: "/v1/events", body: envelopeOf(batch.texts), isRepeatable: true, signal: options.signal,
    });
    return readAnswer(body, batch);
  } catch (error) {
    if (error instanceof EmbanError && error.code === "no_valid_event") return { ...readAnswer(error.body, batch), error };
    throw error;
  }
}

function readAnswer(body: unknown, batch: Batch): Omit<IngestResult, "status"> {
  if (!isRecord(body) || typeof body["accepted"] !== "number") throw new EmbanError("invalid_response", "The answer does not say how many events were accepted.");
  const listed = Array.isArray(body["errors"]) ? body["errors"].filter(isRecord) : [];
  const errors = listed.map((entry) => ({ ...(entry as unknown as RejectedEvent), index: batch.indices[Number(entry["index"])] ?? -1 }));
  return { accepted: body["accepted"], rejected: typeof body["rejected"] === "number" ? body["rejected"] : 0, errors };
}
