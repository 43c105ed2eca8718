import { writePayload } from '../protocol/payload.js';

/** A message of the server's, as far as this client reads it. */
export interface Frame {
  readonly event?: string;
  readonly data?: unknown;
  readonly id?: string | number;
  readonly ack?: string | number;
  readonly more?: boolean;
  readonly offset?: string;
}

/** One of this client's. */
export interface OwnFrame extends Omit<Frame, 'offset' | 'more'> {
  readonly stream?: true | undefined;
}

/** What the server says first, where it speaks `envelope.v1` (PROTOCOL.md, "The protocol's own events"). */
export interface Hello {
  readonly id?: string | undefined;
  readonly recovered?: boolean;
  readonly session?: string | undefined;
}

/** Without a field where it is none: what a server sends may be anything. */
export function readFrame(text: string): Frame {
  try {
    return Object(JSON.parse(text)) as Frame;
  } catch {
    return {};
  }
}

/** Before `$session`: the server's middlewares refuse this client, and the connection closes. */
export function isRefusal({ event, data, ack }: Frame): boolean {
  return (
    event === 'exception' && ack === undefined && (Object(data) as { code?: unknown }).code === 'refused'
  );
}

/** Whether a peer that sent this as `id` can be answered. */
export function isRequestId(id: unknown): id is string | number {
  return typeof id === 'string' || typeof id === 'number';
}

/** What is of another type is not there. */
export function readHello(data: unknown): Hello {
  const { id, recovered, session } = Object(data) as Record<string, unknown>;
  return { id: textOrNone(id), recovered: recovered === true, session: textOrNone(session) };
}

function textOrNone(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/**
 * Fields that are undefined stay away. A client sends too little for the server's faster encoder.
 *
 * @throws TypeError that names the event and the place in the data, where JSON cannot carry it
 */
export function writeFrame(frame: OwnFrame): string {
  return writePayload(frame.data, frame.event!, 'data', frame)!;
}
