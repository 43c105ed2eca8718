/** What becomes of an option of Socket.IO, by `docs/migrating-from-socket.io.md#options`. */
type OptionFate =
  /** The adapter and gateways have it. */
  | 'keep'
  /** It is an option of `socketIO()`. */
  | 'transport'
  /** Nothing has to be set. */
  | 'drop'
  /** Nothing here does it. The text says what to do. */
  | { readonly missing: string };

const UNNEEDED = 'it has no effect here: remove it';
const STAY = 'nothing here does it. If clients need it, stay with IoAdapter; else remove it';

const FATES: Readonly<Record<string, OptionFate>> = {
  adapter: 'keep',
  allowRequest: 'keep',
  connectTimeout: 'keep',
  connectionStateRecovery: 'keep',
  cors: 'keep',
  maxHttpBufferSize: 'keep',
  namespace: 'keep',
  pingInterval: 'keep',
  pingTimeout: 'keep',
  allowUpgrades: 'transport',
  cookie: 'transport',
  httpCompression: 'transport',
  path: 'transport',
  perMessageDeflate: 'transport',
  transports: 'transport',
  upgradeTimeout: 'transport',
  cleanupEmptyChildNamespaces: 'drop',
  addTrailingSlash: { missing: UNNEEDED },
  allowEIO3: { missing: `clients of Socket.IO 2: ${STAY}` },
  destroyUpgrade: { missing: UNNEEDED },
  destroyUpgradeTimeout: { missing: UNNEEDED },
  initialPacket: { missing: STAY },
  parser: { missing: STAY },
  serveClient: { missing: 'serve the file of socket.io-client yourself, and remove it' },
  wsEngine: { missing: UNNEEDED },
};

/** A text for `cors`. Socket.IO takes any text for all origins, this package takes none. */
export const CORS_STRING = /^(['"`]).*\1$/;

/** Returns the property `cors` for a text. */
export function corsOf(text: string): string {
  return `cors: { origin: ${text.at(0)}*${text.at(0)} }`;
}

/** @param text the value, as it is written */
export function fateOf(name: string, text: string): OptionFate {
  const isOff = text === 'false' && (name === 'serveClient' || name === 'allowEIO3');
  if (isOff) return 'drop';
  if (name === 'transports' && text.includes('webtransport')) return { missing: STAY };
  return (Object.hasOwn(FATES, name) ? FATES[name] : undefined) ?? { missing: UNNEEDED };
}
