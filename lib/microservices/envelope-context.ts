import { BaseRpcContext } from '@nestjs/microservices';
import type { RequestId } from '../protocol/envelope.js';
import type { EnvelopeSocket } from '../server/socket/envelope-socket.js';
import type { Handshake } from '../server/handshake/handshake.js';
import type { Untyped } from '../protocol/typed-events.js';

type Args = [
  client: EnvelopeSocket,
  pattern: string,
  metadata: Readonly<Record<string, unknown>>,
  id: RequestId | undefined,
];

/** What `@Ctx()` gives to a handler: who asks, and with what beside the payload. */
export class EnvelopeContext extends BaseRpcContext<Args> {
  /** The client, as gateways know it. */
  getSocketRef(): EnvelopeSocket {
    return this.getArgByIndex(0);
  }
  /** The pattern, an object as its JSON. */
  getPattern(): string {
    return this.getArgByIndex(1);
  }
  /** `metadata` of the message; empty where it had none. */
  getMetadata(): Readonly<Record<string, unknown>> {
    return this.getArgByIndex(2);
  }
  /** The id that the answer carries; `undefined` for an event, and where the client gave none. */
  getId(): RequestId | undefined {
    return this.getArgByIndex(3);
  }
  /** How the client's connection began. */
  getHandshake(): Handshake {
    return this.getSocketRef().handshake;
  }
  /** Whom a guard found the client to be. */
  getUser(): Untyped {
    return this.getSocketRef().user as Untyped;
  }
}
