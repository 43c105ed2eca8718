import type { BareClient } from '../bare-client.js';

interface Request {
  event?: unknown;
  id?: unknown;
}

/**
 * Adds the event of the request to responses without an `event`, which PROTOCOL.md allows: checks compare whole
 * messages, and a server that sends an event must send the right one. Call it before anything is sent.
 */
export function addEventsToResponses(client: BareClient): void {
  const events = new Map<unknown, unknown>();
  const send = client.ws.send.bind(client.ws) as (...args: unknown[]) => void;
  client.ws.send = (...args: unknown[]) => {
    const { id, event } = readRequest(args[0]);
    if (id !== undefined) events.set(id, event);
    send(...args);
  };
  const push = client.frames.push.bind(client.frames);
  client.frames.push = (frame) => {
    const isNameless = frame.ack !== undefined && !('event' in frame);
    return push(isNameless ? { event: String(events.get(frame.ack)), ...frame } : frame);
  };
}

function readRequest(message: unknown): Request {
  try {
    return Object(JSON.parse(String(message))) as Request;
  } catch {
    return {};
  }
}
