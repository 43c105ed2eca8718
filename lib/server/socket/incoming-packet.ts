import type { RequestId } from '../../protocol/envelope.js';
import { encodePacket, textOfPattern, type Packet } from '../../protocol/microservice-packet.js';
import { IncomingRequest, type Asker } from './incoming-request.js';

/** Between the safe integers that clients choose from. */
let keys = 0.5;

/** A message of the microservice protocol, which is answered in its own words. */
export class IncomingPacket extends IncomingRequest {
  constructor(
    asker: Asker,
    private readonly packet: Packet,
    /** What its answers carry, where it had one. */
    readonly givenId: RequestId | undefined,
  ) {
    super(asker, textOfPattern(packet.pattern), givenId ?? keys++, false);
  }

  protected override encode(event: string, data: unknown, more: boolean): string {
    const kind = event === 'exception' ? 'error' : 'response';
    return encodePacket(kind, this.packet.pattern, data, this.givenId, more);
  }
}
