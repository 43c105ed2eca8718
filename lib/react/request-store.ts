import type { ClientSocket } from '../client/client-socket.js';
import { DisconnectedError } from '../protocol/disconnected-error.js';
import type { Untyped } from '../protocol/typed-events.js';
import { Store } from './store.js';
import type { RequestResult } from './types.js';

/** Returns the store of one request. It requests again after a connection that did not recover the session. */
export function requestStore(
  socket: ClientSocket,
  event: string,
  data: unknown,
  timeout: number | undefined,
  isEnabled: boolean,
): Store<RequestResult<Untyped>> {
  /** Cancels the request that is under way. */
  let current: AbortController | undefined;
  /** Whether the request failed with its connection. */
  let isWaiting = false;
  const refetch = (): void => {
    current?.abort();
    const controller = new AbortController();
    current = controller;
    isWaiting = false;
    if (!store.get().isPending) store.set({ ...store.get(), isPending: true });
    // StrictMode stops and starts in one turn: one request is enough
    queueMicrotask(() => controller.signal.aborted || void send(controller));
  };
  const send = async (controller: AbortController): Promise<void> => {
    const { signal } = controller;
    const args = data === undefined ? [] : [data];
    const result: Partial<RequestResult<Untyped>> = { error: undefined };
    try {
      const emitter = timeout === undefined ? socket.signal(signal) : socket.timeout(timeout).signal(signal);
      Object.assign(result, { data: (await emitter.emitWithAck(event, ...args)) as unknown });
    } catch (error) {
      Object.assign(result, { error });
    }
    if (current !== controller) return;
    current = undefined;
    isWaiting = result.error instanceof DisconnectedError && socket.state !== 'closed';
    if (!isWaiting) store.set({ ...store.get(), ...result, isPending: false });
  };
  const onConnect = ({ missed }: { missed: boolean }): void => {
    // one that is under way now waited for the connection
    if (current === undefined && (missed || isWaiting)) refetch();
  };
  const store = new Store<RequestResult<Untyped>>(
    { data: undefined, error: undefined, isPending: isEnabled, refetch },
    () => {
      if (!isEnabled) return () => undefined;
      socket.on('connect', onConnect);
      refetch();
      return () => {
        socket.off('connect', onConnect);
        current?.abort();
        current = undefined;
      };
    },
  );
  return store;
}
