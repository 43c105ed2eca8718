/** How the page writes bytes in JSON: `{"$bytes":"aGVsbG8="}`. */
const NAME = '$bytes';

/** Whether a value is bytes as the page writes them. */
export const isBytes = (value) =>
  typeof value?.[NAME] === 'string' && Object.keys(value).length === 1 && isBase64(value[NAME]);

function isBase64(text) {
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);
}

/** Whether a value contains bytes. */
export function hasBytes(value) {
  if (typeof value !== 'object' || value === null) return false;
  return isBytes(value) || Object.values(value).some(hasBytes);
}

/** Returns a value with `Uint8Array` in place of what the page writes. */
export function toBinary(value) {
  if (typeof value !== 'object' || value === null) return value;
  if (isBytes(value)) return Uint8Array.from(atob(value[NAME]), (character) => character.charCodeAt(0));
  if (Array.isArray(value)) return value.map(toBinary);
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, toBinary(field)]));
}

/** Returns a value as the page writes it: the opposite of `toBinary`. */
export function fromBinary(value) {
  if (value instanceof Uint8Array) return { [NAME]: base64(value) };
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(fromBinary);
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, fromBinary(field)]));
}

function base64(bytes) {
  let text = '';
  // the arguments of one call are limited
  for (let at = 0; at < bytes.length; at += 8_192)
    text += String.fromCharCode(...bytes.subarray(at, at + 8_192));
  return btoa(text);
}
