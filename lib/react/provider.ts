import { connect } from 'nestjs-envelope/client';
import { createElement, useEffect, useMemo, useState, type Context, type ReactElement } from 'react';
import type { ClientSocket } from '../client/client-socket.js';
import type { ClientOptions } from '../client/options.js';
import { withCode } from '../protocol/with-code.js';
import { SharedConnection } from './shared-connection.js';
import type { EnvelopeProviderProps } from './types.js';
import type { EventsMap } from '../protocol/typed-events.js';

/** Every platform on which effects run has it: browsers, React Native, and simulated pages of tests. */
const isServer = (): boolean => !('window' in globalThis);

/** The implementation of `EnvelopeProvider`. */
export function provide<Listen extends EventsMap, Emit extends EventsMap>(
  context: Context<ClientSocket<Listen, Emit> | undefined>,
  props: EnvelopeProviderProps<Listen, Emit>,
): ReactElement {
  const { children, socket, url, auth, options } = props;
  const identity = useFirstFunction(auth);
  const shared = useMemo(
    () => (url === undefined || isServer() ? undefined : SharedConnection.of(url, identity, options)),
    // credentials are compared by value, and changed options have no effect
    [String(url), typeof identity === 'function' ? identity : JSON.stringify(identity)],
  );
  useEffect(() => {
    if (shared !== undefined && typeof auth === 'function') shared.auth = auth;
  });
  useEffect(() => shared?.retain(), [shared]);
  const idle = useMemo(() => (isServer() ? unconnected() : undefined), []);
  const value =
    socket ?? (shared?.socket as ClientSocket<Listen, Emit> | undefined) ?? (idle as typeof socket);
  if (value === undefined)
    throw withCode(
      'ERR_ENVELOPE_INVALID_ARGUMENT',
      new TypeError('EnvelopeProvider: url is missing: pass url, or a client as socket'),
    );
  return createElement(context.Provider, { value }, children);
}

/** Returns the first function that the component received: it stands for all later ones. Other credentials as they are. */
function useFirstFunction(auth: ClientOptions['auth']): ClientOptions['auth'] {
  const [first, setFirst] = useState(() => (typeof auth === 'function' ? { auth } : undefined));
  if (typeof auth !== 'function') return auth;
  if (first === undefined) setFirst({ auth });
  return first?.auth ?? auth;
}

/** Returns a client for a render on a server. It opens no connection, keeps nothing, and rejects requests at once. */
function unconnected(): ClientSocket {
  return connect('ws://localhost', {
    autoConnect: false,
    reconnection: false,
    maxQueued: 0,
    WebSocket: NoWebSocket,
  });
}

const NoWebSocket = class {
  constructor() {
    throw withCode(
      'ERR_ENVELOPE_NO_WEBSOCKET',
      new Error(
        'EnvelopeProvider: a server that renders does not connect. Connect in an effect or an event handler',
      ),
    );
  }
} as unknown as NonNullable<ClientOptions['WebSocket']>;
