/** What of the contract is shown, as the page's own address says: `#/ws-chat`, `#/ws-chat/say`, `#/ws-chat/emits/said`. */
export function readRoute(hash = location.hash) {
  const [channel, ...rest] = hash.replace(/^#\/?/, '').split('/').map(decode);
  if (rest.length > 1 && rest[0] === 'emits') return { channel, event: rest[1], isEmitted: true };
  return { channel, event: rest[0], isEmitted: false };
}

export function routeTo(channel, event, isEmitted = false) {
  const names = [channel, ...(isEmitted ? ['emits'] : []), ...(event === undefined ? [] : [event])];
  return `#/${names.map(encodeURIComponent).join('/')}`;
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
