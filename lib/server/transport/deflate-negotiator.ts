import { acceptDeflate, type DeflateAgreement, type DeflateTerms } from './deflate-offer.js';
import type { NegotiatedDeflate } from './deflate-writer.js';
import { Deflater, type DeflateSettings } from './deflater.js';

/** A compression that all connections of a path share. */
export interface SharedDeflate extends DeflateSettings, DeflateTerms {}

/** An answer to the extensions that a client offers. */
export interface DeflateAnswer {
  /** The value of `Sec-WebSocket-Extensions` that `ws` is to see; `undefined`: none. */
  readonly header: string | undefined;
  readonly deflate: NegotiatedDeflate | undefined;
}

const DECLINED: DeflateAnswer = { header: undefined, deflate: undefined };
/** `ws` answers it with 400 (RFC 6455, section 9.1). */
const MALFORMED: DeflateAnswer = { header: ';', deflate: undefined };

/** Agrees with clients on a compression, in the place of `ws`, which refuses a client whose offers it cannot accept. */
export class DeflateNegotiator {
  private readonly deflater: Deflater;
  /** Connections with the same terms share one object. */
  private readonly known: NegotiatedDeflate[] = [];

  constructor(private readonly terms: SharedDeflate) {
    this.deflater = new Deflater(terms);
  }

  /** Answers the offers in the header `Sec-WebSocket-Extensions`. */
  answer(offers: string): DeflateAnswer {
    try {
      const agreement = acceptDeflate(offers, this.terms);
      if (agreement === undefined) return DECLINED;
      return { header: agreement.header, deflate: this.negotiated(agreement) };
    } catch {
      return MALFORMED;
    }
  }

  private negotiated({ windowBits, clientNoContextTakeover }: DeflateAgreement): NegotiatedDeflate {
    const index = windowBits * 2 + Number(clientNoContextTakeover);
    return (this.known[index] ??= { deflater: this.deflater, windowBits, clientNoContextTakeover });
  }
}
