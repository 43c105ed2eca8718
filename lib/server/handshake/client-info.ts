/** Clients behind a proxy that does not name them share one limit: this many times the limit of one address. */
export const SHARED_ADDRESS_FACTOR = 10;

/** By what limits count a client. */
export type RateIdentity = Pick<ClientInfo, 'rateKey' | 'isShared'>;

/** What this server, and the proxies that it trusts, know about the client of an upgrade request. */
export interface ClientInfo {
  /** The IP address; empty if the connection has none. */
  readonly address: string;
  /** The address that limits count by: the client's, or the proxy's if {@link isShared}. */
  readonly rateKey: string;
  /**
   * Whether the key is the address of a proxy that does not name its clients, or is not trusted: its clients count
   * together.
   */
  readonly isShared: boolean;
  /** The host in the URL that the client opened. */
  readonly host: string | undefined;
  /** Whether the client uses TLS to that host; `undefined` if a proxy that is not trusted may have terminated TLS. */
  readonly isSecure: boolean | undefined;
}
