import { Observable } from 'rxjs';
import type { Adapter, Room } from 'socket.io-adapter';
import { assertOptions, refuse } from '../../protocol/refuse.js';
import type {
  DefaultEventsMap,
  EventNames,
  EventParams,
  EventsMap,
  Untyped,
} from '../../protocol/typed-events.js';
import { Stream } from '../../protocol/stream.js';
import { withCode } from '../../protocol/with-code.js';
import { isParentAdapter } from './parent-adapter.js';
import type { RoomObserver, RoomObservers } from './room-observers.js';

/** What an event's only argument, or the list of several, is for a client. A callback at the end is no part of it. */
type DataOf<Args extends unknown[]> = number extends Args['length']
  ? Untyped
  : Required<Args> extends [...infer Start, (...answer: Untyped[]) => unknown]
    ? DataOf<Start>
    : Args extends []
      ? undefined
      : Args extends [(infer Data)?]
        ? Data
        : Args;

/** A message to a room: the event and its payload, as a client that speaks JSON receives them. */
export type RoomMessage<Emit extends EventsMap = DefaultEventsMap> = {
  [Event in EventNames<Emit>]: { readonly event: Event; readonly data: DataOf<EventParams<Emit, Event>> };
}[EventNames<Emit>];

interface ObservableServer {
  readonly adapter: Adapter;
  /** @internal */
  readonly _observers: RoomObservers;
}

interface Target {
  readonly rooms: ReadonlySet<Room>;
  readonly except: ReadonlySet<Room>;
}

/** The options of `messages()`. */
export interface MessagesOptions {
  /** Messages that wait for a slow `for await` loop. One more ends the loop with an error. Default 1,000. */
  maxBuffered?: number;
}

/**
 * The messages to rooms: an RxJS Observable of what is emitted from the subscription on, and an async iterable.
 *
 * @typeParam Emit what the server emits
 */
export class RoomMessages<Emit extends EventsMap = DefaultEventsMap> extends Observable<RoomMessage<Emit>> {
  private readonly maxBuffered: number;

  /** @internal @throws as `BroadcastOperator.messages` */
  constructor(nsp: ObservableServer, { rooms, except }: Target, options: MessagesOptions) {
    assertOptions('messages', options, ['maxBuffered'], '{ maxBuffered: 100 }');
    const { maxBuffered = 1_000 } = options;
    if (!(maxBuffered >= 1)) refuse('messages', 'maxBuffered', maxBuffered, 'a number from 1 on');
    const example = "rooms, such as server.in('orders').messages()";
    if (rooms.size === 0) refuse('messages', 'its target', undefined, example);
    if (except.size > 0) refuse('messages', 'except', [...except], `nothing here, but ${example}`);
    if (isParentAdapter(nsp.adapter)) refuseParent();
    const observers = nsp._observers;
    super((subscriber) => {
      const observer: RoomObserver = {
        rooms,
        next: (message) => subscriber.next(message as RoomMessage<Emit>),
        complete: () => subscriber.complete(),
      };
      observers.add(observer);
      return () => observers.remove(observer);
    });
    this.maxBuffered = maxBuffered;
  }

  /**
   * Iterates over the messages from now on. Ends when the server stops, and with the end of the loop.
   *
   * @throws (rejects) Error with the code `ERR_ENVELOPE_STREAM_OVERFLOW` when more than `maxBuffered` messages wait
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<RoomMessage<Emit>> {
    const stream = new Stream<RoomMessage<Emit>>(this.maxBuffered, () => subscription.unsubscribe());
    const subscription = this.subscribe({
      next: (message) => stream.take(message),
      complete: () => stream.end(),
    });
    return stream;
  }
}

function refuseParent(): never {
  throw withCode(
    'ERR_ENVELOPE_UNSUPPORTED',
    new Error(
      'messages() of a whole RegExp namespace is not supported: observe each of its namespaces, server.of(path)',
    ),
  );
}
