// Server-sent events by `fetch`: `EventSource` cannot bear a token.

import { address, headers, trouble } from "./api";

/** One event of a stream. */
export interface Sent {
  event: string;
  data: string;
}

/** Thrown where a route answers once and does not stream. */
export class NoStream extends Error {}

/** Calls `take` with each event of a route until the stream ends or `signal` ends it. A comment counts as a sign of life. */
export async function stream(route: string, signal: AbortSignal, take: (sent: Sent) => void, alive: () => void) {
  const response = await fetch(address(route), {
    headers: headers({ Accept: "text/event-stream" }),
    cache: "no-store",
    signal,
  });
  if (!response.ok) throw await trouble(response);
  if (!response.headers.get("content-type")?.startsWith("text/event-stream") || !response.body) {
    await response.body?.cancel();
    throw new NoStream();
  }
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  const parser = new Parser();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    alive();
    parser.feed(value).forEach(take);
  }
}

/** Cuts text into events; the last, unfinished line waits for more. */
export class Parser {
  private rest = "";
  private event = "message";
  private data: string[] = [];

  feed(text: string): Sent[] {
    const lines = (this.rest + text).split(/\r\n|\n|\r/);
    this.rest = lines.pop() ?? "";
    return lines.flatMap((line) => this.line(line) ?? []);
  }

  private line(line: string): Sent | undefined {
    if (line === "") {
      const sent = this.data.length > 0 ? { event: this.event, data: this.data.join("\n") } : undefined;
      this.event = "message";
      this.data = [];
      return sent;
    }
    const [, field, value] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
    if (field === "event") this.event = value ?? "";
    if (field === "data") this.data.push(value ?? "");
    return undefined;
  }
}
