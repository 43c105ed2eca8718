/** The part of `ReadableStream` that is used: the types of Node and of browsers differ. */
interface Body {
  getReader(): { read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }> };
}

/**
 * Calls `take` with each record of a response, which is a stream of server-sent events or of lines of JSON. A record without its
 * line feed is dropped: the response was cut there.
 *
 * @throws (rejects) if the response breaks off
 */
export async function readRecords(body: Body, take: (record: string) => void): Promise<void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let started: string[] = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = decoder.decode(value, { stream: true }).split('\n');
    const rest = lines.pop()!;
    for (const line of lines) {
      const record = recordOf(started.join('') + line);
      started = [];
      if (record !== '') take(record);
    }
    started.push(rest);
  }
}

/** Returns the JSON of a line, or nothing: the empty line after an event, another field of it, or a comment. */
function recordOf(line: string): string {
  const text = line.startsWith('data:') ? line.slice(5).trimStart() : line;
  return /^[{[]/.test(text) ? text : '';
}
