import type { Duplex } from 'node:stream';
import {
  readAhead,
  type ServerWebSocket,
  type WebSocketListener,
} from '../server/transport/web-socket-server.js';

type MessageListener = (data: Buffer | string, isBinary: boolean) => void;

/**
 * Passes the messages of a WebSocket to the engine, until a link takes them. Its frames are read by this package from the
 * first one on: later, a part of one could be in the reader of `ws`.
 */
class EngineReader implements WebSocketListener {
  constructor(
    private readonly listener: MessageListener,
    readonly maxPayload: number,
  ) {}

  onMessage(data: Buffer | string, isBinary: boolean): void {
    this.listener(data, isBinary);
  }
  onPing(): void {}
  onPong(): void {}
  onError(): void {}
  onClosed(): void {}
}

/** Lets the engine read a WebSocket that it has just made, as if it listened to `ws` itself. */
export function readWithEngine(ws: ServerWebSocket, maxPayload: number): void {
  const [listener, other] = ws.listeners('message') as MessageListener[];
  // compressed messages are read by `ws`
  if (listener === undefined || other !== undefined || ws.extensions !== '') return;
  ws.off('message', listener);
  ws.listener = new EngineReader(listener, maxPayload);
  readAhead(Reflect.get(ws, '_socket') as Duplex, ws);
}
