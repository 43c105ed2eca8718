import type { TestClient } from '../../support/client.js';

interface Asked {
  event?: unknown;
  id?: unknown;
}

/**
 * Gives answers that come without an `event`, which PROTOCOL.md allows, that of their request: checks compare whole frames, and
 * a server that does name its answers is held to the right name. It has to be called before anything is sent.
 */
export function nameAnswers(client: TestClient): void {
  const asked = new Map<unknown, unknown>();
  const send = client.ws.send.bind(client.ws) as (...args: unknown[]) => void;
  client.ws.send = (...args: unknown[]) => {
    const { id, event } = readRequest(args[0]);
    if (id !== undefined) asked.set(id, event);
    send(...args);
  };
  const keep = client.frames.push.bind(client.frames);
  client.frames.push = (frame) => {
    const isNameless = frame.ack !== undefined && !('event' in frame);
    return keep(isNameless ? { event: String(asked.get(frame.ack)), ...frame } : frame);
  };
}

function readRequest(message: unknown): Asked {
  try {
    return Object(JSON.parse(String(message))) as Asked;
  } catch {
    return {};
  }
}
