import { WebSocket } from 'ws';

/** As it came; text that was read ahead of `ws` is text already. */
export type Message = Buffer | string;

/** What a line hears from below. */
export interface WebSocketEvents {
  /** @internal Bytes of one message. */
  readonly _limits: { readonly maxPayload: number };
  /** @internal */
  _onMessage(data: Message, isBinary: boolean): void;
  /** @internal */
  _onClose(code: number, reason: Buffer): void;
  /** @internal */
  _onError(error: Error): void;
  /** @internal */
  _onPing(data: Buffer): void;
  /** @internal */
  _onPong(data: Buffer): void;
}

/**
 * A WebSocket that tells its line of its events, and then whoever listens. Five listeners on each connection would be
 * 350 bytes more, and a message would take the way through an emitter.
 */
export class ServerWebSocket extends WebSocket {
  line: WebSocketEvents | undefined = undefined;
  reader: { read(piece: Buffer): void } | undefined = undefined;

  override emit(event: string | symbol, first?: unknown, second?: unknown): boolean {
    const { line } = this;
    if (line === undefined) return super.emit(event, first, second);
    // an `error` that nobody listens to would be thrown; who begins to listen now hears of the next
    const isHeard = this.listenerCount(event) > 0;
    if (event === 'message') line._onMessage(first as Buffer, second as boolean);
    else if (event === 'ping') line._onPing(first as Buffer);
    else if (event === 'pong') line._onPong(first as Buffer);
    else if (event === 'close') line._onClose(first as number, second as Buffer);
    else if (event === 'error') line._onError(first as Error);
    return !isHeard || super.emit(event, first, second);
  }
}
