/** Checked by `tsc`, never run: the client with the type maps of the server. */
import { http } from '../../lib/client/http.js';
import { connect, type ClientSocket, type Subscription } from '../../lib/client/index.js';

interface ServerToClient {
  said: (message: { room: string; text: string }) => void;
  hello: () => void;
  question: (text: string, answer: (text: string) => void) => void;
  which: (answer: (place: string) => void) => void;
  pair: (from: string, to: number) => void;
  asked: (from: string, to: number, answer: (text: string) => void) => void;
  maybe: (text?: string) => void;
}

interface ClientToServer {
  say: (room: string, text: string) => void;
  leave: () => void;
  sum: (numbers: number[], answer: (sum: number) => void) => void;
  ticks: (every: number, answer: (tick: Date) => void) => void;
  where: (answer: (place: string) => void) => void;
  pair: (room: string, count: number, answer: (text: string) => void) => void;
  /** A request, or an event that nobody answers. */
  note: (text: string, answer?: (count: number) => void) => void;
  find: (text?: string, answer?: (count: number) => void) => void;
}

export async function typed(): Promise<void> {
  const socket: ClientSocket<ServerToClient, ClientToServer> = connect('/chat', {
    auth: async () => 'token',
  });
  socket.on('said', ({ room, text }) => void [room.length, text.length]);
  socket.on('hello', () => undefined);
  socket.on('question', (text) => text.toUpperCase());
  socket.on('question', (text, answer) => answer(text));
  // Several arguments arrive as a list. The answer callback is present only if the event has one.
  socket.on('pair', ([from, to]) => void [from.length, to.toFixed()]);
  socket.on('which', (answer) => answer('here'));
  socket.on('which', () => 'here');
  socket.on('asked', ([from, to], answer) => answer(from + to.toFixed()));
  socket.on('maybe', (text) => text?.length);
  socket.once('connect', ({ missed }) => void missed.valueOf());
  socket.on('disconnect', (reason, { willReconnect }) => void [reason.length, willReconnect.valueOf()]);
  socket.on('connect_error', ({ status, willReconnect }) => void [status?.toFixed(), willReconnect]);
  socket.onState((state, before) => state === 'open' && before === 'waiting');
  // @ts-expect-error the server has no such event
  socket.on('other', () => undefined);
  // @ts-expect-error the data is an object
  socket.on('said', (text: string) => text);

  const isSent: boolean = socket.emit('say', 'room', 'text');
  socket.emit('leave');
  socket.volatile.emit('say', 'room', String(isSent));
  // @ts-expect-error the text is missing
  socket.emit('say', 'room');
  // @ts-expect-error unknown event
  socket.emit('other');

  const sums: Subscription<number> = socket.subscribe('sum', [1, 2], { leave: 'leave' });
  sums.onAnswer((sum) => sum.toFixed()).onError(({ data }) => data);
  const isActive: boolean = sums.state === 'active' && (await sums.ready) > 1;
  // several arguments are a list
  using pairs = socket.subscribe('pair', ['room', Number(isActive)]);
  pairs.onAnswer((text) => text.toUpperCase());
  socket.subscribe('where').onAnswer((place) => place.length);
  socket.subscribe('where', undefined, { leave: 'leave' }).stop();
  // @ts-expect-error the data are numbers
  socket.subscribe('sum', ['1']);
  // @ts-expect-error the data is missing
  socket.subscribe('sum');
  // @ts-expect-error unknown event
  socket.subscribe('other');
  // @ts-expect-error unknown event
  socket.subscribe('where', undefined, { leave: 'other' });

  const sum: number = await socket.emitWithAck('sum', [1, 2]);
  const sameSum: number = await socket.timeout(100).emitWithAck('sum', [sum]);
  socket.timeout(100).emit('sum', [sameSum], (error, value) => void [error.message, value.toFixed()]);
  const { signal } = new AbortController();
  const signalled: number = await socket.timeout(100).signal(signal).emitWithAck('sum', [sameSum]);
  socket.signal(signal).emit('sum', [signalled], (error, value) => void [error.message, value.toFixed()]);
  // @ts-expect-error a controller is no signal
  socket.signal(new AbortController());
  // @ts-expect-error the list contains numbers
  await socket.signal(signal).emitWithAck('sum', ['1']);
  // @ts-expect-error the list contains numbers
  await socket.emitWithAck('sum', ['1']);
  for await (const tick of socket.stream('ticks', 10, { signal })) tick.getTime();
  // the map has no callback for it
  for await (const value of socket.stream('say', { any: 'data' })) value.whatever();
  // @ts-expect-error the data is missing
  for await (const tick of socket.stream('ticks')) tick.getTime();
  // @ts-expect-error the data is a number
  for await (const tick of socket.stream('ticks', 'often')) tick.getTime();
  // @ts-expect-error a controller is no signal
  socket.stream('ticks', 10, { signal: new AbortController() });

  const untyped = connect('wss://example.com/ws');
  untyped.on('anything', (data) => data.whatever);
  untyped.emit('anything', { goes: true });
  const answer = await untyped.emitWithAck('anything', 1);
  answer.whatever();
}

/** Maps may declare the callback as optional, as generated ones do. */
export async function optionalCallbacks(socket: ClientSocket<ServerToClient, ClientToServer>): Promise<void> {
  socket.emit('note', 'text');
  socket.emit('note', 'text', (count) => count.toFixed());
  socket.timeout(100).emit('note', 'text');
  socket.timeout(100).emit('note', 'text', (error, count) => void [error.message, count.toFixed()]);
  const count: number = await socket.emitWithAck('note', 'text');
  const found: number = await socket.emitWithAck('find');
  await socket.timeout(100).emitWithAck('find', String(count + found));
  socket.subscribe('find').onAnswer((all) => all.toFixed());
  // @ts-expect-error the text is missing
  await socket.emitWithAck('note');
  // @ts-expect-error the data is a text
  await socket.emitWithAck('note', 1);
  // @ts-expect-error the answer is a number
  socket.timeout(100).emit('note', 'text', (_error, text: string) => text);
  // @ts-expect-error not a request
  await socket.emitWithAck('leave');
}

/** `any` under a name that the linter allows. */
type Any = ReturnType<typeof JSON.parse>;

/** Like `Socket<any, any>` in applications. */
export async function anyMaps(socket: ClientSocket<Any, Any>): Promise<string[]> {
  socket.on('rooms', (rooms: string[]) => rooms.length);
  socket.on('question', (data: { text: string }, answer: (text: string) => void) => answer(data.text));
  socket.once('said', (text: string) => text.length);
  socket.on('connect', ({ missed }) => missed.valueOf());
  const listener = (count: number): number => count;
  socket.on('count', listener).off('count', listener);
  socket.emit('say', 'room', 1);
  socket.emit('ask', 1, (answer: string) => answer.length);
  socket.volatile.emit('say', 'text');
  socket.timeout(100).emit('ask', 1, (error: Error | null, answer: string) => [error, answer]);
  socket.subscribe('rooms', 1, { leave: 'leave' }).onAnswer((rooms: string[]) => rooms.length);
  socket.subscribe('rooms').stop();
  for await (const tick of socket.stream('ticks', 10)) return [tick];
  const answer: string[] = await socket.timeout(100).emitWithAck('rooms', 1);
  return answer.concat(await socket.emitWithAck('rooms'));
}

export function transports(): void {
  const socket = connect('/chat', { transports: ['websocket', http({ credentials: 'include' })] });
  const name: string | undefined = socket.transport;
  connect('/chat', { transports: [http()] });
  // @ts-expect-error a name other than 'websocket'
  connect('/chat', { transports: ['websocket', 'http'] });
  // @ts-expect-error a function, not its result
  connect('/chat', { transports: [http] });
  void name;
}
