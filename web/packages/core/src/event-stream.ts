/** A message of a stream of server-sent events; here they all carry JSON. */
export interface StreamMessage {
  readonly name: string;
  readonly data: unknown;
}

/** Splits a byte stream into server-sent events; chunks may end anywhere. Comments, which are signs of life, and what is not JSON are passed over. */
export class EventStreamDecoder {
  private readonly decoder = new TextDecoder("utf-8");
  private pending = "";

  push(chunk: Uint8Array): StreamMessage[] {
    const blocks = (this.pending + this.decoder.decode(chunk, { stream: true })).split("\n\n");
    this.pending = blocks.pop() ?? "";
    return blocks.map(readBlock).filter((message): message is StreamMessage => message !== null);
  }
}

function readBlock(block: string): StreamMessage | null {
  let name = "message";
  const data: string[] = [];
  for (const line of block.split("\n")) {
    const [, field, value = ""] = /^(\w+)(?:: ?(.*))?$/.exec(line) ?? [];
    if (field === "event") name = value;
    if (field === "data") data.push(value);
  }
  if (data.length === 0) return null;
  try {
    return { name, data: JSON.parse(data.join("\n")) };
  } catch {
    return null;
  }
}
