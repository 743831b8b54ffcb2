import { isRecord } from "@emban/core";

/**
 * The channel to the page around us. The server's `frame-ancestors` decides who may frame this page; here the parent's origin
 * is learnt from the browser (`ancestorOrigins`, else the referrer) or, where neither is told, from the first valid message of
 * the parent window, and from then on nothing is sent to or taken from any other. A parent without an origin of its own (a
 * sandboxed frame, a local file) can only be addressed by its window; what is sent holds no secret.
 */
export class ParentChannel {
  private origin: string | null;
  private readonly pending: Record<string, unknown>[] = [];

  constructor(private readonly handle: (type: string, payload: Record<string, unknown>) => void) {
    this.origin = ParentChannel.knownOrigin();
    if (this.isFramed) window.addEventListener("message", (event) => this.receive(event));
  }

  get isFramed(): boolean {
    return window.parent !== window;
  }

  send(type: string, payload: Record<string, unknown> = {}): void {
    if (!this.isFramed) return;
    const message = { _emban: true, type, ...payload };
    if (this.origin === null) {
      // Only the newest height counts.
      if (type === "resize") this.pending.splice(0, this.pending.length, ...this.pending.filter((other) => other["type"] !== "resize"));
      if (this.pending.length < 100) this.pending.push(message);
    } else window.parent.postMessage(message, this.origin === "null" ? "*" : this.origin);
  }

  private receive(event: MessageEvent): void {
    if (event.source !== window.parent) return;
    const data: unknown = event.data;
    if (!isRecord(data) || data["_emban"] !== true || typeof data["type"] !== "string") return;
    if (this.origin === null) {
      this.origin = event.origin;
      for (const message of this.pending.splice(0)) this.send(String(message["type"]), message);
    }
    if (event.origin !== this.origin) return;
    const { _emban: _mark, type, ...payload } = data;
    this.handle(String(type), payload);
  }

  private static knownOrigin(): string | null {
    const ancestors = (location as Location & { ancestorOrigins?: DOMStringList }).ancestorOrigins;
    if (ancestors && ancestors.length > 0) return ancestors[0] ?? null;
    try {
      return document.referrer === "" ? null : new URL(document.referrer).origin;
    } catch {
      return null;
    }
  }
}
