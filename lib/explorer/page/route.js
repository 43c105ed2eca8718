/**
 * Parses the part of the contract to show from the fragment of the page's address: `#/ws-chat`, `#/ws-chat/say`,
 * `#/ws-chat/emits/said`, or `#/ws-chat/say/2` for the second of two gateways that receive the same event.
 */
export function readRoute(hash = location.hash) {
  const [channel, ...rest] = hash.replace(/^#\/?/, '').split('/').map(decode);
  const isEmitted = rest.length > 1 && rest[0] === 'emits';
  const [event, number = '1'] = isEmitted ? rest.slice(1) : rest;
  return { channel, event, number: Number(number), isEmitted };
}

export function routeTo(channel, operation) {
  const names = [channel.key];
  if (operation?.isEmitted) names.push('emits');
  if (operation !== undefined) names.push(operation.event);
  if (operation?.number > 1) names.push(operation.number);
  return `#/${names.map(encodeURIComponent).join('/')}`;
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
