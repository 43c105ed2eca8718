import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { withCode } from '../protocol/with-code.js';
import type { ConnectionRequest } from '../server/upgrade/connection-request.js';
import { answerRefusal, writeRefusal, type HttpRefusal } from '../server/upgrade/http-refusal.js';

/**
 * The first request of a client, by polling or as the upgrade to a WebSocket, until the engine gets it. It opens no
 * connection itself: each namespace does.
 */
export class HandshakeRequest implements ConnectionRequest {
  constructor(
    readonly httpRequest: IncomingMessage,
    /** What the answer is written to: the response of a plain request, or the socket of an upgrade. */
    private readonly target: ServerResponse | Duplex,
  ) {}

  get isClosed(): boolean {
    return this.target.destroyed;
  }

  onClosed(callback: () => void): () => void {
    this.target.on('close', callback);
    return () => this.target.off('close', callback);
  }

  check(done: (refused: HttpRefusal | undefined) => void): void {
    done(undefined);
  }

  connection(): never {
    throw withCode(
      'ERR_ENVELOPE_UNSUPPORTED',
      new Error('socketIO: a connection is opened by its namespace, not by its transport'),
    );
  }

  accept(): void {
    this.connection();
  }

  refuse(answer: HttpRefusal): void {
    if (isResponse(this.target)) answerRefusal(this.target, answer);
    else writeRefusal(this.target, answer);
  }

  destroy(): void {
    this.target.destroy();
  }
}

function isResponse(target: ServerResponse | Duplex): target is ServerResponse {
  return 'writeHead' in target;
}
