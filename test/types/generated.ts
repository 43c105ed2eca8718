/** Checked by `tsc`, never run: the types that `writeTypes` makes, with the client. */
import { createEnvelopeHooks } from '../../lib/react/index.js';
import {
  connectRoomsRoom,
  connectWsChat,
  type SayDto,
  type WsChatEmits,
  type WsChatListens,
} from '../contract/golden/rich.js';
import { connectWs2, type Ws2Emits, type Ws2Listens } from '../contract/golden/edge.js';
import type { EnvelopeServer } from '../../lib/index.js';

declare const say: SayDto;

export async function generated(): Promise<void> {
  const socket = connectWsChat('wss://example.com', { auth: 'token' });
  socket.on('said', ({ authors, to }) => [authors[0]?.name.length, to?.colour]);
  socket.on('bye', () => undefined);
  socket.on('exception', ({ message, code }) => [message, code === 'rate_limited']);
  // @ts-expect-error the server has no such event
  socket.on('sayed', () => undefined);
  // @ts-expect-error the data is an object
  socket.on('said', (text: string) => text);

  // a request, or an event that nobody answers
  socket.emit('say', say);
  const said = await socket.emitWithAck('say', say);
  const count: number = said.count;
  const nothing: undefined = await socket.emitWithAck('ban', 'ada');
  const anything: unknown = await socket.emitWithAck('move', { x: count });
  for await (const tick of socket.stream('ticks')) tick.toFixed();
  socket.subscribe('say', say).onAnswer(({ text }) => [text.length, nothing, anything]);
  // @ts-expect-error a stream without data
  for await (const tick of socket.stream('ticks', 1)) tick.toFixed();
  // @ts-expect-error unknown event
  socket.emit('sai', say);
  // @ts-expect-error a required property is missing
  socket.emit('say', { text: 'x' });
  // @ts-expect-error the colour is none of the enum
  socket.emit('say', { ...say, colour: 'green' });
  // @ts-expect-error a misspelled property
  await socket.emitWithAck('move', { x: 1, too: { latitude: 1, longitude: 2 } });
  // @ts-expect-error the data is missing
  await socket.emitWithAck('ban');
  // @ts-expect-error the answer has a count
  const text: string = said.count;
  // @ts-expect-error the answer is nothing
  const name: string = await socket.emitWithAck('ban', text);

  const room = connectRoomsRoom('', { room: name });
  const places = await room.emitWithAck('draw', [{ latitude: 1, longitude: 2 }]);
  places[0]?.latitude.toFixed();
  // @ts-expect-error the room is missing
  connectRoomsRoom('', {});
  // @ts-expect-error it has another name
  connectRoomsRoom('', { rooms: name });
  // @ts-expect-error an event of another path
  room.emit('say', say);
}

export async function names(): Promise<void> {
  const socket = connectWs2('');
  socket.on('it\'s "new"', ({ price }) => price.toFixed());
  socket.on('__proto__', (text) => text.length);
  socket.on('sometimes', (data) => (Array.isArray(data) ? data[0]?.x : data?.toFixed()));
  socket.on('tuple', ([text, number]) => [text.length, number.toFixed()]);
  socket.on('choice', (shape) => (shape?.kind === 'circle' ? shape.radius : shape?.side));
  const shapes = await socket.emitWithAck('shapes.get', { id: null, unsaid: 1, 'it\'s "quoted"\n': '' });
  shapes.map?.['a']?.[0]?.toFixed();
  // @ts-expect-error both handlers of the event get the same data
  socket.emit('shared', { price: 1 });
  socket.emit('shared', { price: 1, cost: 2 }, (answer) => answer?.toFixed());
}

/** The maps are those of the hooks, and of a server in the same repository. */
export const { EnvelopeProvider, useEvent, useRequest } = createEnvelopeHooks<WsChatListens, WsChatEmits>();
export function useChat(): number | undefined {
  useEvent('said', ({ text }) => text.length);
  // @ts-expect-error unknown event
  useEvent('other', () => undefined);
  // @ts-expect-error the data is missing
  useRequest('ban');
  return useRequest('say', say).data?.count;
}
export function server(chat: EnvelopeServer<WsChatEmits, WsChatListens>): void {
  chat.emit('joined', 'ada');
  // @ts-expect-error the data is a text
  chat.emit('joined', 1);
}
export type Maps = [Ws2Emits, Ws2Listens];
