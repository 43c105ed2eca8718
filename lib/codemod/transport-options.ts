/** What `socketIO()` gets in this application: the options that gateways had for the engine. */
export class TransportOptions {
  /**
   * @param moved the options of the gateways, as they are written there
   * @param hasDefaultPath whether clients also connect to `/socket.io`
   */
  constructor(
    private readonly moved: readonly { readonly name: string; readonly text: string }[],
    private readonly hasDefaultPath: boolean,
  ) {}

  /**
   * Returns the properties that every adapter needs to go on serving the clients of Socket.IO.
   *
   * @param quote the quotation mark of the file
   * @param own options that the adapter sets itself: they win
   */
  propertiesWith(quote: string, own: ReadonlyMap<string, string> = new Map()): string[] {
    const shared = new Map(
      this.moved.filter(({ name }) => name !== 'path').map(({ name, text }) => [name, `${name}: ${text}`]),
    );
    const paths = own.has('path')
      ? []
      : [...new Set(this.moved.filter(({ name }) => name === 'path').map(({ text }) => text))];
    const common = [...new Map([...shared, ...own]).values()];
    const places = paths.length === 0 || this.hasDefaultPath ? [undefined, ...paths] : paths;
    const calls = places.map((path) => {
      const properties = path === undefined ? common : [`path: ${path}`, ...common];
      return properties.length === 0 ? 'socketIO()' : `socketIO({ ${properties.join(', ')} })`;
    });
    return [`transports: [${calls.join(', ')}]`, `replies: ${quote}requests${quote}`];
  }
}
