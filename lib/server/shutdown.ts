import { CLOSE_CODES } from '../protocol/close-code.js';
import type { Conversation } from './conversation.js';

/** The close reason, and the word that gateways get. */
export const SHUTTING_DOWN = 'server shutting down';

/** Milliseconds for clients to answer the close frame, and again for `handleDisconnect` to settle. */
const GRACE = 2_000;

/** Closes the clients of one server with 1001 and waits, within bounds, for their lines and their hooks. */
export async function sayGoodbye(
  sockets: Iterable<Conversation>,
  farewells: ReadonlySet<Promise<void>>,
): Promise<void> {
  const lines = [...sockets].map((socket) => {
    const closed = new Promise<void>((resolve) => socket.ws.once('close', () => resolve()));
    socket._end(SHUTTING_DOWN, CLOSE_CODES.GOING_AWAY.code, SHUTTING_DOWN);
    return { socket, closed };
  });
  await within(GRACE, Promise.all(lines.map(({ closed }) => closed)));
  for (const { socket } of lines) if (socket.readyState !== socket.CLOSED) socket.ws.terminate();
  await within(GRACE, Promise.all(farewells));
}

async function within(milliseconds: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  await Promise.race([work, deadline]);
  clearTimeout(timer);
}
