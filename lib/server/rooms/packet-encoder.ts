import { assertCarried } from '../../protocol/payload.js';
import { BASE64 } from '../transport/bytes.js';
import { ENVELOPE, type Encoding } from '../transport/encoding.js';
import { OutgoingMessage, type LoggedPacket } from './outgoing-message.js';
import { REVOKED } from './target.js';

/** What a broadcast needs to know of the clients of its server. */
export interface Recipients {
  /** The encoding of clients that speak the envelope protocol. */
  readonly encoding: Encoding;
  /** Whether all clients of this node speak another protocol. */
  readonly areForeign: boolean;
}

/** The encoder of one server: adapters find it where Socket.IO has it. */
export class PacketEncoder implements Recipients {
  /** How many clients of this node are connected by a further transport. */
  carried = 0;

  constructor(
    private readonly server: {
      readonly sockets: { readonly size: number };
      readonly _config: { readonly services: { readonly encoding: Encoding } };
      readonly _history?: { received(packet: LoggedPacket): void } | undefined;
    },
  ) {}

  get encoding(): Encoding {
    return this.server._config.services.encoding;
  }
  get areForeign(): boolean {
    return this.carried > 0 && this.carried === this.server.sockets.size;
  }

  /** Encodes a packet; see {@link encodePacket}. */
  encode(packet: LoggedPacket): OutgoingMessage[] {
    this.server._history?.received(packet);
    return encodePacket(packet, this);
  }

  /** Takes a packet of another node that no client of this node gets, and encodes nothing. */
  skip(packet: LoggedPacket): OutgoingMessage[] {
    this.server._history?.received(packet);
    return [];
  }

  /**
   * Checks a packet that an adapter publishes before this node encodes it: each broker alters data that JSON cannot carry
   * in a different way.
   *
   * @throws TypeError on data that JSON cannot carry; bytes are allowed where clients exchange them
   */
  check({ data }: LoggedPacket): void {
    const [event, ...args] = data;
    const aside = this.encoding === ENVELOPE ? undefined : BASE64;
    assertCarried(args.length > 1 ? args : args[0], String(event), 'data', aside);
  }
}

/**
 * Makes the message of a broadcast: adapters call this once, and hand the result to every recipient. The envelope is
 * encoded at once, so that data which JSON cannot carry throws where the application emits it, recipients or not. Where
 * no client would get the envelope, the data is checked only.
 *
 * @throws TypeError on data that JSON cannot carry, and on a packet of another node that has no event
 */
export function encodePacket(packet: LoggedPacket, { encoding, areForeign }: Recipients): OutgoingMessage[] {
  const [event, ...args] = packet.data;
  if (event === REVOKED) return [];
  if (typeof event !== 'string') throw new TypeError('a packet has no event');
  const message = new OutgoingMessage(packet);
  if (areForeign) assertCarried(args.length > 1 ? args : args[0], event, 'data', BASE64);
  else message.frame(encoding);
  return [message];
}
