/** Adds the scheme `ws://` to an address without one. `:3000/chat` is on this machine. */
export function completeUrl(address: string): string {
  if (/^[a-z][a-z\d+.-]*:\/\//i.test(address)) return address;
  return `ws://${address.startsWith(':') ? 'localhost' : ''}${address}`;
}
