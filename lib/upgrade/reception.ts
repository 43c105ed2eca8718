import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import ipaddr from 'ipaddr.js';
import proxyAddr from 'proxy-addr';
import type { Visitor } from '../server/visitor.js';

/**
 * Which proxies in front of this server are believed, as in Express and Fastify: all (`true`), so many hops, or
 * addresses and networks (`'loopback'`, `'10.0.0.0/8'`, several with commas or as a list), or a function.
 */
export type TrustProxy =
  boolean | number | string | readonly string[] | ((address: string, hop: number) => boolean);

type Trust = (address: string, hop: number) => boolean;

/** Reads who asks. One for each adapter. */
export class Reception {
  private readonly trust: Trust | undefined;

  /**
   * @param onUnknownProxy hears of a proxy that nobody configured
   * @throws TypeError on an address or a network that is none
   */
  constructor(
    trustProxy: TrustProxy | undefined,
    private readonly onUnknownProxy: () => void,
  ) {
    this.trust = compile(trustProxy);
  }

  identify(request: IncomingMessage): Visitor {
    const peer = request.socket.remoteAddress ?? '';
    const isTls = (request.socket as Partial<TLSSocket>).encrypted === true;
    const { host } = request.headers;
    if (this.trust === undefined || !this.trust(peer, 0)) {
      return { address: peer, seat: this.seatOf(peer, request), host, isSecure: isTls ? true : undefined };
    }
    const address = proxyAddr(request, this.trust) || peer;
    const proto = forwarded(request, 'x-forwarded-proto')?.toLowerCase();
    return {
      address,
      seat: groupAddress(address),
      host: forwarded(request, 'x-forwarded-host') ?? host,
      isSecure: proto === undefined ? isTls || undefined : proto === 'https' || proto === 'wss',
    };
  }

  /** All clients of a proxy that nobody configured have its address: they are not counted as one. */
  private seatOf(peer: string, request: IncomingMessage): string | undefined {
    if (this.trust === undefined && request.headers['x-forwarded-for'] !== undefined && isPrivate(peer)) {
      this.onUnknownProxy();
      return undefined;
    }
    return groupAddress(peer);
  }
}

/** The first proxy is the one that the client spoke to. */
function forwarded(request: IncomingMessage, header: string): string | undefined {
  const value = request.headers[header];
  const first = (Array.isArray(value) ? value[0] : value)?.split(',')[0]?.trim();
  return first === '' ? undefined : first;
}

function compile(trustProxy: TrustProxy | undefined): Trust | undefined {
  if (trustProxy === undefined || trustProxy === false) return undefined;
  if (trustProxy === true) return () => true;
  if (typeof trustProxy === 'number') return (_, hop) => hop < trustProxy;
  if (typeof trustProxy === 'function') return trustProxy;
  const list = typeof trustProxy === 'string' ? trustProxy.split(',') : [...trustProxy];
  return proxyAddr.compile(list.map((address) => address.trim()));
}

/** An IPv6 client has at least a /64 of its own; an IPv4 address may be written as IPv6. */
function groupAddress(address: string): string | undefined {
  if (!ipaddr.isValid(address)) return undefined;
  const parsed = ipaddr.process(address);
  if (parsed.kind() === 'ipv4') return parsed.toString();
  return (parsed as ipaddr.IPv6).parts.slice(0, 4).join(':');
}

/** Where proxies are: on this machine, or on its own network. */
function isPrivate(address: string): boolean {
  if (!ipaddr.isValid(address)) return address === '';
  return ['loopback', 'private', 'uniqueLocal', 'linkLocal', 'carrierGradeNat'].includes(
    ipaddr.process(address).range(),
  );
}
