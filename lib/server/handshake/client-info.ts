/** Who asks for an upgrade, as far as this server and the proxies that it believes can tell. */
export interface ClientInfo {
  /** The IP address; empty where the line has none. */
  readonly address: string;
  /** What counts as one address: the client's, or that of the proxy where {@link isShared}. */
  readonly rateKey: string;
  /** The seat is a proxy's that does not name its clients, or is not believed: they count together. */
  readonly isShared: boolean;
  /** The host that the page's author wrote. */
  readonly host: string | undefined;
  /** Whether that host was asked over TLS; `undefined`: a proxy that is not believed may have ended it. */
  readonly isSecure: boolean | undefined;
}
