import type { ClientSocket } from '../client/client-socket.js';
import { history } from '../client/history.js';
import { META } from '../client/listeners.js';
import type { Untyped } from '../protocol/typed-events.js';
import { Store } from './store.js';
import type { HistoryMessage, HistoryResult } from './history-types.js';

/** A room with a history, as a page shows it. */
interface ShownRoom {
  readonly room: string;
  readonly enter: string;
  readonly data: unknown;
  readonly leave: string;
  readonly event: string;
  readonly limit: number;
  /** The text of all other fields. */
  readonly key: string;
}

type Result = HistoryResult<Untyped>;

const INITIAL: Result = { messages: [], complete: undefined, error: undefined, state: 'pending' };

/** The rooms that a client shows. All components of one room share it: the server sends its history once. */
const shown = new WeakMap<ClientSocket, Map<string, Store<Result>>>();

/** Returns the store of one component that shows a room. */
export function historyStore(socket: ClientSocket, room: ShownRoom): Store<Result> {
  return new Store<Result>(INITIAL, (store) => {
    const rooms = shown.get(socket) ?? new Map<string, Store<Result>>();
    shown.set(socket, rooms);
    const shared = rooms.get(room.key) ?? new Store(INITIAL, (own) => show(socket, room, own));
    rooms.set(room.key, shared);
    const end = shared.subscribe(() => store.set(shared.get()));
    store.set(shared.get());
    return () => {
      end();
      if (!shared.isUsed) rooms.delete(room.key);
    };
  });
}

/** Enters a room and collects its messages. Returns a function that leaves it. */
function show(
  socket: ClientSocket,
  { room, enter, data, leave, event, limit }: ShownRoom,
  store: Store<Result>,
): () => void {
  const past = history(socket);
  let meta: { room?: unknown; position?: unknown } = {};
  let arrived: HistoryMessage<Untyped>[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  const flush = (change: Partial<Result> = {}): void => {
    clearTimeout(timer);
    timer = undefined;
    const before = store.get();
    const messages = arrived.length === 0 ? before.messages : [...before.messages, ...arrived].slice(-limit);
    arrived = [];
    store.set({ ...before, messages, ...change });
  };
  // the client tells the metadata of a message just before the message
  const onMeta = (value: unknown): void => void (meta = Object(value) as typeof meta);
  const onMessage = (...args: unknown[]): void => {
    const { room: rooms, position } = meta;
    meta = {};
    // one without a sender is where the room begins
    if (typeof position !== 'string' || position.startsWith(':') || ![rooms].flat().includes(room)) return;
    arrived.push({ position, data: args.length > 1 ? args : args[0] });
    // messages that arrive together cause one render
    timer ??= setTimeout(() => flush(), 0);
  };
  socket.on(META, onMeta);
  socket.on(event, onMessage);
  const subscription = socket.subscribe(enter, data, { leave, after: past.after(room) });
  subscription.onAnswer((answer: unknown) => {
    const isComplete = (Object(answer) as { complete?: unknown }).complete !== false;
    const { complete = true } = store.get();
    flush({ complete: complete && isComplete, error: undefined, state: subscription.state });
  });
  subscription.onError((error) => flush({ error, state: subscription.state }));
  const stopState = socket.onState(() => flush({ state: subscription.state }));
  flush({ state: subscription.state });
  return () => {
    clearTimeout(timer);
    stopState();
    socket.off(META, onMeta);
    socket.off(event, onMessage);
    subscription.stop();
    past.stop();
    store.set(INITIAL);
  };
}
