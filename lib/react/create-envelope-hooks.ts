import { createContext, useContext, useEffect, useMemo, useSyncExternalStore } from 'react';
import type { ClientSocket } from '../client/client-socket.js';
import type { AnyFunction } from '../client/listeners.js';
import type { DefaultEventsMap, EventsMap, Untyped } from '../protocol/typed-events.js';
import { withCode } from '../protocol/with-code.js';
import { othersStore } from './others-store.js';
import { historyStore } from './history-store.js';
import type { HistoryEvents, HistoryResult } from './history-types.js';
import { changedMembers } from './changed-members.js';
import { provide } from './provider.js';
import { requestStore } from './request-store.js';
import { keyOf, useLatest, useStore } from './store.js';
import { streamStore } from './stream-store.js';
import { subscriptionStore } from './subscription-store.js';
import type {
  EnvelopeHooks,
  OthersResult,
  PresenceEvents,
  PresenceMember,
  PresenceResult,
  RequestOptions,
  RequestResult,
  StreamOptions,
  StreamResult,
  SubscriptionOptions,
  SubscriptionResult,
} from './types.js';

type AnyReduce = ((data: Untyped, value: Untyped) => Untyped) | undefined;
type AnySubscription = SubscriptionOptions<DefaultEventsMap, DefaultEventsMap, Untyped>;
const NOBODY: readonly PresenceMember[] = [];

/**
 * Creates a provider and the hooks that find it, with the types of one path. Call it once, at the top of a module.
 *
 * @example
 * export const { EnvelopeProvider, useEvent, useSubscription } = createEnvelopeHooks<WsChatListens, WsChatEmits>();
 *
 * @typeParam Listen what the server emits
 * @typeParam Emit what the page emits
 */
export function createEnvelopeHooks<
  Listen extends EventsMap = DefaultEventsMap,
  Emit extends EventsMap = DefaultEventsMap,
>(): EnvelopeHooks<Listen, Emit> {
  const context = createContext<ClientSocket<Listen, Emit> | undefined>(undefined);

  const useSocketOf = (hook: string): ClientSocket => {
    const socket = useContext(context);
    if (socket === undefined)
      throw withCode(
        'ERR_ENVELOPE_NO_PROVIDER',
        new Error(
          `${hook}: no EnvelopeProvider above this component. Render it below the provider of the same createEnvelopeHooks()`,
        ),
      );
    // the signatures of EnvelopeHooks check names and payloads
    return socket as unknown as ClientSocket;
  };

  const useSubscribed = (
    hook: string,
    event: string,
    data: unknown,
    { leave, enabled = true, on }: AnySubscription,
  ): SubscriptionResult<Untyped> => {
    const socket = useSocketOf(hook);
    const key = keyOf(event, data);
    const reducers = useLatest(on);
    const changes = Object.keys(on ?? {});
    return useStore(
      () => subscriptionStore(socket, { event, data, key, leave, changes }, reducers, enabled),
      [socket, key, leave, enabled, JSON.stringify(changes)],
    );
  };

  const hooks = {
    EnvelopeProvider: (props: Parameters<EnvelopeHooks<Listen, Emit>['EnvelopeProvider']>[0]) =>
      provide(context, props),

    useSocket: () => useSocketOf('useSocket'),

    useConnectionState: () => {
      const socket = useSocketOf('useConnectionState');
      const subscribe = useMemo(() => (listener: () => void) => socket.onState(listener), [socket]);
      return useSyncExternalStore(
        subscribe,
        () => socket.state,
        () => 'idle',
      );
    },

    useEvent: (event: string, listener: AnyFunction) => {
      const socket = useSocketOf('useEvent');
      const latest = useLatest(listener);
      useEffect(() => {
        let isMounted = true;
        const call = (...args: never[]): unknown => (isMounted ? latest.current(...args) : undefined);
        // the client sees by it whether a listener takes the callback of a request
        Object.defineProperty(call, 'length', { get: () => latest.current.length });
        socket.on(event, call);
        return () => {
          isMounted = false;
          socket.off(event, call);
        };
      }, [socket, event]);
    },

    useRequest: (
      event: string,
      data?: unknown,
      { enabled = true, timeout }: RequestOptions = {},
    ): RequestResult<Untyped> => {
      const socket = useSocketOf('useRequest');
      return useStore(
        () => requestStore(socket, event, data, timeout, enabled),
        [socket, keyOf(event, data), timeout, enabled],
      );
    },

    useSubscription: (event: string, data?: unknown, options: AnySubscription = {}) =>
      useSubscribed('useSubscription', event, data, options),

    useStream: (
      event: string,
      data?: unknown,
      options: StreamOptions & { reduce?: AnyReduce } = {},
    ): StreamResult<Untyped> => {
      const socket = useSocketOf('useStream');
      const { enabled: isEnabled = true, restartOnConnect: isRestarted = false } = options;
      const reduce = useLatest(options.reduce);
      return useStore(
        () => streamStore(socket, event, data, reduce, { isEnabled, isRestarted }),
        [socket, keyOf(event, data), isEnabled, isRestarted],
      );
    },

    useHistory: (
      room: string,
      {
        enter,
        data,
        leave,
        event,
        limit = 500,
      }: HistoryEvents<DefaultEventsMap, DefaultEventsMap> & { data: unknown },
    ): HistoryResult<Untyped> => {
      const socket = useSocketOf('useHistory');
      const key = JSON.stringify([room, keyOf(enter, data), leave, event, limit]);
      return useStore(
        () => historyStore(socket, { room, enter, data, leave, event, limit, key }),
        [socket, key],
      );
    },

    usePresence: (
      room: string,
      { watch, leave, change }: PresenceEvents<DefaultEventsMap, DefaultEventsMap>,
    ): PresenceResult<Untyped> => {
      const { data, error, state } = useSubscribed(
        'usePresence',
        watch,
        { room },
        {
          leave,
          on: { [change]: (list: Untyped, news: Untyped): Untyped => changedMembers(list, news, room) },
        },
      );
      return { list: (data as typeof NOBODY | undefined) ?? NOBODY, error, state };
    },

    useOthers: (room: string, { event = 'states' }: { event?: string } = {}): OthersResult<Untyped> => {
      const socket = useSocketOf('useOthers');
      return useStore(() => othersStore(socket, room, event), [socket, room, event]);
    },
  };
  return hooks as unknown as EnvelopeHooks<Listen, Emit>;
}
