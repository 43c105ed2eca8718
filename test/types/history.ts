import { history } from '../../lib/client/history.js';
import { connect } from '../../lib/client/index.js';
import type { EnvelopeServer, EnvelopeSocket } from '../../lib/index.js';
import { roomHistory, type HistoryMessage, type JoinedHistory } from '../../lib/history/index.js';

declare const client: EnvelopeSocket;
declare const server: EnvelopeServer;

export const joined: Promise<JoinedHistory> = client.join('chat:1', { after: undefined, rewind: 50 });
export const page: Promise<HistoryMessage[]> = server.history('chat:1').read({ before: 'x', limit: 1 });
// @ts-expect-error one room only: each has its own positions
void client.join(['chat:1', 'chat:2'], { rewind: 50 });
// @ts-expect-error no such option
void client.join('chat:1', { last: 50 });
// @ts-expect-error rooms are required
roomHistory({});

interface Emits {
  enter: (data: { room: string; after?: string }, answer: (joined: JoinedHistory) => void) => void;
}
const socket = connect<Record<string, never>, Emits>('ws://127.0.0.1:1/');
const past = history(socket);
export const ready: Promise<JoinedHistory> = socket.subscribe(
  'enter',
  { room: '1' },
  { after: past.after('chat:1') },
).ready;
