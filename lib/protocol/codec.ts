import { detach } from './detach.js';
import { Refusal, toEnvelope, type Envelope, type MessageLimits, type RequestId } from './envelope.js';
import { isDeeperThan } from './json.js';
import { writePayload, type Aside } from './payload.js';

/** Parses one message. Never throws: returns a {@link Refusal} if the text is not a valid envelope. */
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
/** Characters. The event names of a program are short; longer ones are not worth caching. */
const MAX_CACHED_LENGTH = 64;
const heads = new Map<string, string>();

/**
 * Returns `{"event":"…"`. The result is cached: a program has few event names, and quoting one costs as much as writing a small
 * payload.
 */
function head(event: string): string {
  let text = heads.get(event);
  if (text === undefined) {
    text = `{"event":${JSON.stringify(event)}`;
    if (heads.size < MAX_CACHED_HEADS && event.length <= MAX_CACHED_LENGTH) heads.set(detach(event), text);
  }
  return text;
}

/**
 * Writes one event. It concatenates the envelope and the payload's JSON, which is 6 % cheaper on echo than stringifying an
 * envelope object.
 *
 * @param aside carries what JSON cannot; `undefined`: nothing does
 * @throws TypeError that names the event and the place in `data`, if JSON cannot carry the data
 */
export function encodeEvent(
  event: string,
  data: unknown,
  id?: RequestId,
  stream?: boolean,
  meta?: object,
  aside?: Aside,
): string {
  const metaField = meta === undefined ? '' : `,"meta":${JSON.stringify(meta)}`;
  const tail = id === undefined ? '}' : `,"id":${JSON.stringify(id)}${stream ? ',"stream":true' : ''}}`;
  return head(event) + dataField(data, event, aside) + metaField + tail;
}

/** Writes one answer to the request `ack`. `more` says that the stream continues. Throws like {@link encodeEvent}. */
export function encodeAnswer(
  event: string,
  data: unknown,
  ack: RequestId,
  more: boolean,
  aside?: Aside,
): string {
  return `${head(event)}${dataField(data, event, aside)},"ack":${JSON.stringify(ack)}${more ? ',"more":true}' : '}'}`;
}

/** Adds the offset in the log to an encoded envelope. */
export function addOffset(text: string, offset: string): string {
  // an envelope is one JSON object, so its last character is the closing brace
  return `${text.slice(0, -1)},"offset":${JSON.stringify(offset)}}`;
}

function dataField(data: unknown, event: string, aside: Aside | undefined): string {
  const text = writePayload(data, event, 'data', data, aside);
  return text === undefined ? '' : `,"data":${text}`;
}
