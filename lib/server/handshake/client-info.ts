/** Clients behind one unnamed proxy cannot be told apart: together they get so many times what one address gets. */
export const SHARED_ADDRESS_FACTOR = 10;

/** Who asks for an upgrade, as far as this server and the proxies that it believes can tell. */
export interface ClientInfo {
  /** The IP address; empty where the connection has none. */
  readonly address: string;
  /** What counts as one address: the client's, or that of the proxy where {@link isShared}. */
  readonly rateKey: string;
  /** The key is that of a proxy that does not name its clients, or is not believed: they count together. */
  readonly isShared: boolean;
  /** The host that the page's author wrote. */
  readonly host: string | undefined;
  /** Whether that host was asked over TLS; `undefined`: a proxy that is not believed may have ended it. */
  readonly isSecure: boolean | undefined;
}
