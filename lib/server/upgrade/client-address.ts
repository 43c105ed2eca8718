import type { IncomingMessage } from 'node:http';
import { isIP, isIPv4, isIPv6 } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { inspect } from 'node:util';
import ipaddr from 'ipaddr.js';
import proxyAddr from 'proxy-addr';
import type { ClientInfo, RateIdentity } from '../handshake/client-info.js';
import { withCode } from '../../protocol/with-code.js';

/**
 * The proxies whose `X-Forwarded-*` headers the server trusts, as in Express and Fastify: all (`true`), none (`false`),
 * a number of hops, addresses and networks (`'loopback'`, `'10.0.0.0/8'`, separated by commas or as a list), or a
 * function.
 */
export type TrustProxy =
  boolean | number | string | readonly string[] | ((address: string, hop: number) => boolean);

type Trust = (address: string, hop: number) => boolean;

/** Reads the client's address, host and scheme from an upgrade request. Each adapter has one. */
export class ClientAddressReader {
  private readonly trust: Trust | undefined;
  /** Whether the option `trustProxy` is absent. `false`, in contrast, states that the server has no proxy. */
  private readonly isUnconfigured: boolean;
  private hasReportedUnknownProxy = false;
  private lastHost: string | undefined;

  /**
   * @param onUnknownProxy called once, at the first request of a proxy that is not configured
   * @throws TypeError if `trustProxy` has none of the forms of {@link TrustProxy}
   */
  constructor(
    trustProxy: TrustProxy | undefined,
    private readonly onUnknownProxy: () => void,
  ) {
    this.trust = compile(trustProxy);
    this.isUnconfigured = trustProxy === undefined;
  }

  /**
   * Returns the address, host and scheme of the client. Uses the `X-Forwarded-*` headers only if the peer is a trusted
   * proxy.
   *
   * @throws what the application's `trustProxy` function throws
   */
  identify(request: IncomingMessage): ClientInfo {
    const peer = request.socket.remoteAddress ?? '';
    const isTls = (request.socket as Partial<TLSSocket>).encrypted === true;
    const host = this.sharedHost(request.headers.host);
    if (this.trust === undefined || !this.trust(peer, 0)) {
      // no spread: an object that grows behind its literal takes 40 bytes more of each connection
      const { rateKey, isShared } = this.rateKeyOfPeer(peer, request);
      return { address: peer, rateKey, isShared, host, isSecure: isTls ? true : undefined };
    }
    const address = addressOf(proxyAddr(request, this.trust) ?? '');
    const proto = forwarded(request, 'x-forwarded-proto')?.toLowerCase();
    const { rateKey, isShared } = rateKeyOfForwarded(address, peer);
    return {
      address,
      rateKey,
      isShared,
      host: forwarded(request, 'x-forwarded-host') ?? host,
      isSecure: proto === undefined ? isTls || undefined : proto === 'https' || proto === 'wss',
    };
  }

  /** Returns by what limits count the client of a refused request; `undefined` if the application's `trustProxy` function throws. */
  rateIdentityOf(request: IncomingMessage): RateIdentity | undefined {
    try {
      return this.identify(request);
    } catch {
      // the request is refused for another reason, or the error was reported
      return undefined;
    }
  }

  /** Returns the same text for the clients of one host, since each request has a text of its own: 32 bytes of a connection. */
  private sharedHost(host: string | undefined): string | undefined {
    if (host !== this.lastHost) this.lastHost = host;
    return this.lastHost;
  }

  /**
   * Returns the key that limits count a peer by, if the peer is not a trusted proxy. All clients of a proxy that is not
   * configured have the proxy's address. They must not count as one client, but any client on a private address can
   * send the header. Therefore the header raises the limit, and does not disable it.
   */
  private rateKeyOfPeer(peer: string, request: IncomingMessage): RateIdentity {
    const isShared =
      this.isUnconfigured && request.headers['x-forwarded-for'] !== undefined && isPrivate(peer);
    if (isShared && !this.hasReportedUnknownProxy) {
      this.hasReportedUnknownProxy = true;
      this.onUnknownProxy();
    }
    return { rateKey: groupAddress(peer), isShared };
  }
}

/**
 * Returns whether a request has exactly one, valid `Host` header (RFC 9112, section 3.2). Node does not check that for
 * upgrades.
 */
export function hasOneHost({ rawHeaders }: IncomingMessage): boolean {
  // not headersDistinct: the request caches it, and so every connection would take half a kilobyte more
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
  // a link-local address may end in a zone
  return address === undefined || isIPv6(address.replace(/%.*$/, ''));
}

const HOST = /^(?:\[([\w:.%~-]+)\]|[\w.~!$&'()*+,;=%-]+)(?::(\d*))?$/;
const MAX_PORT = 65_535;

/** Returns the first value of a header. The first proxy, which the client connected to, wrote it. */
function forwarded(request: IncomingMessage, header: string): string | undefined {
  const value = request.headers[header];
  const first = (Array.isArray(value) ? value[0] : value)?.split(',')[0]?.trim();
  return first === '' ? undefined : first;
}

function compile(trustProxy: TrustProxy | undefined): Trust | undefined {
  if (trustProxy === undefined || trustProxy === false) return undefined;
  if (trustProxy === true) return () => true;
  // a Unix domain socket has no address: the function receives ''
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
        `The option trustProxy of EnvelopeAdapter is ${inspect(trustProxy)}: ${(error as Error).message}. ${VALID_FORMS}`,
        { cause: error },
      ),
    );
  }
}

/**
 * Returns the address or network without spaces. Refuses digits alone, which would be read as an old form of IPv4
 * address.
 */
function toProxy(text: string): string {
  const proxy = text.trim();
  if (/^\d+$/.test(proxy)) throw new TypeError('pass the number of hops as a number, not as a string');
  return proxy;
}

const VALID_FORMS =
  "It takes true, a number of hops, addresses and networks ('loopback', '10.0.0.0/8', separated by commas or as a " +
  'list), or a function';

/** Returns the IP address in a text; an empty string if the text is not an address. */
function addressOf(text: string): string {
  const bare = withoutPort(text);
  return isIP(bare) === 0 ? '' : bare;
}

/** Removes the port from an address. Some proxies add the port of the client, or of the proxy before them. */
function withoutPort(text: string): string {
  if (isIP(text) !== 0) return text;
  return text.replace(/^\[(.*)\](?::\d+)?$/, '$1').replace(/^([\d.]+):\d+$/, '$1');
}

/**
 * Returns the key that limits count a forwarded address by. If the proxy does not name its client ("unknown", nothing,
 * garbage), that is the address of the proxy, which all of its clients share.
 */
function rateKeyOfForwarded(address: string, peer: string): RateIdentity {
  const isShared = address === '' || address === peer;
  return { rateKey: groupAddress(isShared ? peer : address), isShared };
}

/**
 * Returns the address, or the /64 network of an IPv6 address, since an IPv6 client has at least a /64. An IPv4 address
 * that is written as IPv6 becomes IPv4.
 */
export function groupAddress(address: string): string {
  // the most frequent case: returning the same string costs no memory
  if (isIPv4(address)) return address;
  if (!ipaddr.isValid(address)) return NO_ADDRESS;
  const parsed = ipaddr.process(address);
  if (parsed.kind() === 'ipv4') return parsed.toString();
  const network = (parsed as ipaddr.IPv6).parts.slice(0, 4).map((part) => part.toString(16));
  return `${network.join(':')}::/64`;
}

/**
 * Returns {@link groupAddress} of an address, or of a /64 network as that function writes it; `undefined` if the text is
 * neither.
 */
export function addressKey(text: string): string | undefined {
  if (isIP(text) !== 0) return groupAddress(text);
  const network = text.endsWith('/64') ? text.slice(0, -3) : '';
  return isIPv6(network) ? groupAddress(network) : undefined;
}

/** The key of connections over a Unix domain socket, which have no address: all of them count together. */
export const NO_ADDRESS = 'a socket without an address';

/** Returns whether an address is on this machine or on a private network, where proxies usually are. */
function isPrivate(address: string): boolean {
  if (!ipaddr.isValid(address)) return address === '';
  return ['loopback', 'private', 'uniqueLocal', 'linkLocal', 'carrierGradeNat'].includes(
    ipaddr.process(address).range(),
  );
}
