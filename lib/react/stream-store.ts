import type { ClientSocket } from '../client/client-socket.js';
import { DisconnectedError } from '../protocol/disconnected-error.js';
import type { Untyped } from '../protocol/typed-events.js';
import { Store } from './store.js';
import type { CollectingStreamOptions, StreamResult, StreamState } from './types.js';

type Reduce = CollectingStreamOptions<Untyped, Untyped>['reduce'];

/** Returns the store of one stream. */
export function streamStore(
  socket: ClientSocket,
  event: string,
  data: unknown,
  reduce: { readonly current: Reduce | undefined },
  { isEnabled, isRestarted }: { isEnabled: boolean; isRestarted: boolean },
): Store<StreamResult<Untyped>> {
  let current: AbortController | undefined;
  const restart = (): void => {
    current?.abort();
    const controller = new AbortController();
    current = controller;
    publish({ state: 'pending', error: undefined });
    // StrictMode stops and starts in one turn: one stream is enough
    queueMicrotask(() => controller.signal.aborted || void read(controller));
  };
  const publish = (change: Partial<StreamResult<Untyped>>): void => store.set({ ...store.get(), ...change });
  const read = async (controller: AbortController): Promise<void> => {
    let collected: Untyped;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const flush = (state: StreamState): void => publish({ data: collected, state });
    let end: Partial<StreamResult<Untyped>> = { state: 'done' };
    let isEmpty = true;
    try {
      for await (const value of socket.stream(event, data, { signal: controller.signal })) {
        if (current !== controller) break;
        collected = reduce.current === undefined ? value : reduce.current(collected, value);
        isEmpty = false;
        // values that arrive together cause one render
        timer ??= setTimeout(() => {
          timer = undefined;
          if (current === controller) flush('active');
        }, 0);
      }
    } catch (error) {
      end = { state: 'failed', error: error as Error };
    }
    clearTimeout(timer);
    if (current !== controller) return;
    publish(isEmpty ? end : { ...end, data: collected });
  };
  const onConnect = (): void => {
    const { state, error } = store.get();
    if (state === 'failed' && error instanceof DisconnectedError) restart();
  };
  const store = new Store<StreamResult<Untyped>>(
    { data: undefined, error: undefined, state: isEnabled ? 'pending' : 'stopped', restart },
    () => {
      if (!isEnabled) return () => undefined;
      if (isRestarted) socket.on('connect', onConnect);
      restart();
      return () => {
        socket.off('connect', onConnect);
        current?.abort();
        current = undefined;
      };
    },
  );
  return store;
}
