import type { IncomingMessage } from 'node:http';
import { isIP, isIPv4, isIPv6 } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { inspect } from 'node:util';
import ipaddr from 'ipaddr.js';
import proxyAddr from 'proxy-addr';
import type { ClientInfo } from '../handshake/client-info.js';
import { withCode } from '../../protocol/with-code.js';

/**
 * Which proxies in front of this server are believed, as in Express and Fastify: all (`true`), so many hops, or
 * addresses and networks (`'loopback'`, `'10.0.0.0/8'`, several with commas or as a list), or a function.
 */
export type TrustProxy =
  boolean | number | string | readonly string[] | ((address: string, hop: number) => boolean);

type Trust = (address: string, hop: number) => boolean;

/** Who asks, as far as limits count them. */
type Counted = Pick<ClientInfo, 'rateKey' | 'isShared'>;

/** Reads who asks. One for each adapter. */
export class ClientAddressReader {
  private readonly trust: Trust | undefined;
  /** The application said nothing about proxies; `false` says that there is none. */
  private readonly isUnsaid: boolean;
  private hasMetUnknownProxy = false;

  /**
   * @param onUnknownProxy hears once of a proxy that nobody configured
   * @throws TypeError on what names no proxy
   */
  constructor(
    trustProxy: TrustProxy | undefined,
    private readonly onUnknownProxy: () => void,
  ) {
    this.trust = compile(trustProxy);
    this.isUnsaid = trustProxy === undefined;
  }

  /** @throws what the user's function throws */
  identify(request: IncomingMessage): ClientInfo {
    const peer = request.socket.remoteAddress ?? '';
    const isTls = (request.socket as Partial<TLSSocket>).encrypted === true;
    const { host } = request.headers;
    if (this.trust === undefined || !this.trust(peer, 0)) {
      return { address: peer, ...this.countPeer(peer, request), host, isSecure: isTls ? true : undefined };
    }
    const address = addressOf(proxyAddr(request, this.trust) ?? '');
    const proto = forwarded(request, 'x-forwarded-proto')?.toLowerCase();
    return {
      address,
      ...countNamed(address, peer),
      host: forwarded(request, 'x-forwarded-host') ?? host,
      isSecure: proto === undefined ? isTls || undefined : proto === 'https' || proto === 'wss',
    };
  }

  /**
   * All clients of a proxy that nobody named have its address. They must not be taken for one client, but anybody on a
   * private address can send the header: it makes the limit wider, and does not switch it off.
   */
  private countPeer(peer: string, request: IncomingMessage): Counted {
    const isShared = this.isUnsaid && request.headers['x-forwarded-for'] !== undefined && isPrivate(peer);
    if (isShared && !this.hasMetUnknownProxy) {
      this.hasMetUnknownProxy = true;
      this.onUnknownProxy();
    }
    return { rateKey: groupAddress(peer), isShared };
  }
}

/** Exactly one `Host`, and well-formed (RFC 9112, section 3.2): Node asks for none where the request is an upgrade. */
export function namesOneHost({ rawHeaders }: IncomingMessage): boolean {
  // not headersDistinct, which stays with the request, and so with the connection: half a kilobyte each
  let host: string | undefined;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!;
    if (name.length !== 4 || name.toLowerCase() !== 'host') continue;
    if (host !== undefined) return false;
    host = rawHeaders[index + 1]!;
  }
  return host !== undefined && isHost(host);
}

function isHost(text: string): boolean {
  const match = HOST.exec(text);
  if (match === null) return false;
  const [, address, port = '0'] = match;
  if (Number(port) > MAX_PORT) return false;
  // a zone stands behind it where the address is of one link
  return address === undefined || isIPv6(address.replace(/%.*$/, ''));
}

const HOST = /^(?:\[([\w:.%~-]+)\]|[\w.~!$&'()*+,;=%-]+)(?::(\d*))?$/;
const MAX_PORT = 65_535;

/** The first proxy is the one that the client spoke to. */
function forwarded(request: IncomingMessage, header: string): string | undefined {
  const value = request.headers[header];
  const first = (Array.isArray(value) ? value[0] : value)?.split(',')[0]?.trim();
  return first === '' ? undefined : first;
}

function compile(trustProxy: TrustProxy | undefined): Trust | undefined {
  if (trustProxy === undefined || trustProxy === false) return undefined;
  if (trustProxy === true) return () => true;
  // a line without an address, of a socket in the file system, is asked for as ''
  if (typeof trustProxy === 'function')
    return (address: string | undefined, hop) => trustProxy(address ?? '', hop);
  if (typeof trustProxy === 'number' && Number.isInteger(trustProxy) && trustProxy >= 0)
    return (_, hop) => hop < trustProxy;
  try {
    const list = typeof trustProxy === 'string' ? trustProxy.split(',') : [...(trustProxy as string[])];
    const trust = proxyAddr.compile(list.map(toProxy));
    return (address, hop) => trust(withoutPort(address), hop);
  } catch (error) {
    throw withCode(
      'ERR_ENVELOPE_INVALID_OPTION',
      new TypeError(
        `The option trustProxy of EnvelopeAdapter is ${inspect(trustProxy)}: ${(error as Error).message}. ${FORMS}`,
        { cause: error },
      ),
    );
  }
}

/** Text of digits alone would be an IPv4 address of old. */
function toProxy(text: string): string {
  const proxy = text.trim();
  if (/^\d+$/.test(proxy)) throw new TypeError('a number of hops is a number, not a text');
  return proxy;
}

const FORMS =
  "It takes true, a number of hops, addresses and networks ('loopback', '10.0.0.0/8', several with commas or as a " +
  'list), or a function';

/** What is no address is nobody's. */
function addressOf(text: string): string {
  const bare = withoutPort(text);
  return isIP(bare) === 0 ? '' : bare;
}

/** Some proxies add the port of the client, or of the proxy before them. */
function withoutPort(text: string): string {
  if (isIP(text) !== 0) return text;
  return text.replace(/^\[(.*)\](?::\d+)?$/, '$1').replace(/^([\d.]+):\d+$/, '$1');
}

/** A proxy that names no client ("unknown", nothing, garbage) is counted itself, for all of its clients. */
function countNamed(address: string, peer: string): Counted {
  const isShared = address === '' || address === peer;
  return { rateKey: groupAddress(isShared ? peer : address), isShared };
}

/** An IPv6 client has at least a /64 of its own; an IPv4 address may be written as IPv6. */
function groupAddress(address: string): string {
  // most are, and a text that is shared with the client's address costs nothing
  if (isIPv4(address)) return address;
  if (!ipaddr.isValid(address)) return NO_ADDRESS;
  const parsed = ipaddr.process(address);
  if (parsed.kind() === 'ipv4') return parsed.toString();
  const network = (parsed as ipaddr.IPv6).parts.slice(0, 4).map((part) => part.toString(16));
  return `${network.join(':')}::/64`;
}

/** A socket of the file system has none: all that come by it count together. */
const NO_ADDRESS = 'a socket without an address';

/** Where proxies are: on this machine, or on its own network. */
function isPrivate(address: string): boolean {
  if (!ipaddr.isValid(address)) return address === '';
  return ['loopback', 'private', 'uniqueLocal', 'linkLocal', 'carrierGradeNat'].includes(
    ipaddr.process(address).range(),
  );
}
