import { detach } from './detach.js';
import { Refusal, toEnvelope, type Envelope, type MessageLimits, type RequestId } from './envelope.js';
import { isDeeperThan } from './json.js';
import { writePayload } from './payload.js';

/** Reads one message. Never throws: what is no envelope comes back as a {@link Refusal}. */
export function decode(text: string, limits: MessageLimits): Envelope | Refusal {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return new Refusal('bad_frame', 'a message must be one JSON object');
  }
  const envelope = toEnvelope(value, limits);
  if (envelope instanceof Refusal || !isDeeperThan(text, limits.maxJsonDepth)) return envelope;
  return new Refusal(
    'too_deep',
    `a message must not be nested deeper than ${limits.maxJsonDepth}`,
    envelope.id,
  );
}

const MAX_CACHED_HEADS = 1024;
/** Longer names are not a program's own. */
const MAX_CACHED_LENGTH = 64;
const heads = new Map<string, string>();

/** `{"event":"…"`: a program has few event names, and quoting one costs as much as a small payload. */
function head(event: string): string {
  let text = heads.get(event);
  if (text === undefined) {
    text = `{"event":${JSON.stringify(event)}`;
    if (heads.size < MAX_CACHED_HEADS && event.length <= MAX_CACHED_LENGTH) heads.set(detach(event), text);
  }
  return text;
}

/**
 * Writes one event. The text is built around the payload's own, which is 6 % cheaper on echo than stringifying
 * an envelope object.
 *
 * @throws TypeError that names the event and the place in `data`, where JSON cannot carry it
 */
export function encodeEvent(
  event: string,
  data: unknown,
  id?: RequestId,
  stream?: boolean,
  meta?: object,
): string {
  const beside = meta === undefined ? '' : `,"meta":${JSON.stringify(meta)}`;
  const tail = id === undefined ? '}' : `,"id":${JSON.stringify(id)}${stream ? ',"stream":true' : ''}}`;
  return head(event) + dataField(data, event) + beside + tail;
}

/** Writes one answer to the request `ack`; `more` says that the stream goes on. Throws as {@link encodeEvent}. */
export function encodeAnswer(event: string, data: unknown, ack: RequestId, more: boolean): string {
  return `${head(event)}${dataField(data, event)},"ack":${JSON.stringify(ack)}${more ? ',"more":true}' : '}'}`;
}

function dataField(data: unknown, event: string): string {
  const text = writePayload(data, event);
  return text === undefined ? '' : `,"data":${text}`;
}
