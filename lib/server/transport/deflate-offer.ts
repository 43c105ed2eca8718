/** What this server asks for when it accepts an offer of `permessage-deflate`. */
export interface DeflateTerms {
  /** The largest window of messages to clients: 9 to 15 bits. */
  readonly serverMaxWindowBits: number;
  /** The largest window of messages from clients, 8 to 15 bits; `undefined`: any. */
  readonly clientMaxWindowBits: number | undefined;
  /** Whether each message of the client is compressed on its own, so that no connection keeps a decompressor. */
  readonly clientNoContextTakeover: boolean;
}

/** The result of a negotiation. */
export interface DeflateAgreement {
  /** The agreed parameters, as the value of `Sec-WebSocket-Extensions`. */
  readonly header: string;
  /** The window of messages to the client. */
  readonly windowBits: number;
  /** Whether each message of the client is compressed on its own. */
  readonly clientNoContextTakeover: boolean;
}

/** zlib compresses with windows of at least 9 bits; a larger one than 15 does not exist. */
const MIN_BITS = 9;
const MAX_BITS = 15;

const CHARACTER = "[\\w!#$%&'*+.^`|~-]";
/** An extension or a parameter, and what ends it (RFC 6455, section 9.1). */
const ELEMENT = new RegExp(
  `[ \\t]*(${CHARACTER}+)[ \\t]*(?:=[ \\t]*(?:(${CHARACTER}+)|"((?:\\\\?${CHARACTER})+)")[ \\t]*)?([;,]|$)`,
  'y',
);
const BITS = /^(?:8|9|1[0-5])$/;

type Params = ReadonlyMap<string, string | undefined>;

/** The parameters that an offer may have, each with the check of its value (RFC 7692, section 7.1). */
const PARAMETERS: ReadonlyMap<string, (value: string | undefined) => boolean> = new Map([
  ['server_no_context_takeover', (value) => value === undefined],
  ['client_no_context_takeover', (value) => value === undefined],
  ['server_max_window_bits', (value) => value !== undefined && BITS.test(value)],
  ['client_max_window_bits', (value) => value === undefined || BITS.test(value)],
]);

/**
 * Chooses the first offer of `permessage-deflate` that this server can accept (RFC 7692, sections 5.1 and 7.1).
 *
 * @param header the value of `Sec-WebSocket-Extensions`
 * @returns `undefined` if it can accept none: the connection opens without compression
 * @throws SyntaxError if the header is malformed
 */
export function acceptDeflate(header: string, terms: DeflateTerms): DeflateAgreement | undefined {
  for (const params of offersOf(header)) {
    const agreement = agree(params, terms);
    if (agreement !== undefined) return agreement;
  }
  return undefined;
}

/** Returns the parameters of each valid offer. @throws SyntaxError if the header is malformed */
function offersOf(header: string): Params[] {
  const offers: Params[] = [];
  let params: Map<string, string | undefined> | undefined;
  let isValid = true;
  ELEMENT.lastIndex = 0;
  for (let end: string | undefined; end !== '';) {
    const element = ELEMENT.exec(header);
    if (element === null) throw new SyntaxError('malformed');
    const [, name, token, quoted] = element as unknown as [string, string, string?, string?];
    end = element[4]!;
    const value = token ?? quoted?.replaceAll('\\', '');
    if (params === undefined) {
      if (value !== undefined) throw new SyntaxError('malformed');
      params = new Map();
      isValid = name === 'permessage-deflate';
    } else {
      isValid &&= !params.has(name) && PARAMETERS.get(name)?.(value) === true;
      params.set(name, value);
    }
    if (end === ';') continue;
    if (isValid) offers.push(params);
    params = undefined;
  }
  return offers;
}

function agree(params: Params, terms: DeflateTerms): DeflateAgreement | undefined {
  const asked = params.get('server_max_window_bits');
  const windowBits = Math.min(Number(asked ?? MAX_BITS), terms.serverMaxWindowBits);
  if (windowBits < MIN_BITS) return undefined;
  const header = ['permessage-deflate', 'server_no_context_takeover'];
  const clientNoContextTakeover = terms.clientNoContextTakeover || params.has('client_no_context_takeover');
  if (clientNoContextTakeover) header.push('client_no_context_takeover');
  if (windowBits < MAX_BITS || asked !== undefined) header.push(`server_max_window_bits=${windowBits}`);
  if (terms.clientMaxWindowBits !== undefined) {
    // only a client that offers the parameter may be limited
    if (!params.has('client_max_window_bits')) return undefined;
    const bits = Math.min(
      Number(params.get('client_max_window_bits') ?? MAX_BITS),
      terms.clientMaxWindowBits,
    );
    header.push(`client_max_window_bits=${bits}`);
  }
  return { header: header.join('; '), windowBits, clientNoContextTakeover };
}
