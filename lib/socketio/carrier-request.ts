import { IncomingMessage } from 'node:http';
import type { Socket as TcpSocket } from 'node:net';
import { packRequestLines, unpackRequest, type PackedRequest } from '../server/handshake/packed-request.js';

/**
 * The request that a client opened its connection with. Each namespace gets a copy, since it may have a token of its own
 * in the headers. Packed, it takes a quarter of the memory.
 */
export class CarrierRequest {
  private readonly tcp: TcpSocket;
  private readonly kept: PackedRequest | IncomingMessage;

  constructor(request: IncomingMessage) {
    this.tcp = request.socket;
    this.kept = packRequestLines(request) ?? request;
  }

  /** Returns a copy, without what the engine has added to it. */
  copy(): IncomingMessage {
    const { kept, tcp } = this;
    if (typeof kept === 'string') return unpackRequest(kept, tcp);
    const { method, url, httpVersion, httpVersionMajor, httpVersionMinor, rawHeaders, headers } = kept;
    return Object.assign(new IncomingMessage(tcp), {
      ...{ method, url, httpVersion, httpVersionMajor, httpVersionMinor, rawHeaders },
      headers: { ...headers },
      complete: true,
    });
  }
}
