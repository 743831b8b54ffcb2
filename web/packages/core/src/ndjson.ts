/**
 * Splits a byte stream into JSON lines. Chunks may end anywhere, also inside a multi-byte character, so bytes are decoded
 * by a streaming decoder and only complete lines are parsed.
 */
export class NDJSONDecoder {
  private readonly decoder = new TextDecoder("utf-8");
  private pending = "";

  /** Values of the lines that `chunk` completes. Throws SyntaxError on a line that is not JSON. */
  push(chunk: Uint8Array): unknown[] {
    return this.take(this.decoder.decode(chunk, { stream: true }));
  }

  /** Values of what is left, a last line without newline included. */
  end(): unknown[] {
    const values = this.take(this.decoder.decode());
    const rest = this.pending.trim();
    this.pending = "";
    return rest === "" ? values : [...values, JSON.parse(rest)];
  }

  private take(text: string): unknown[] {
    const lines = (this.pending + text).split("\n");
    this.pending = lines.pop() ?? "";
    const values: unknown[] = [];
    for (const line of lines) {
      const trimmed = line.trim();
      if (trimmed !== "") values.push(JSON.parse(trimmed));
    }
    return values;
  }
}
