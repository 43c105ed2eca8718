/** The pages that findings refer to. */
const GUIDE = 'docs/migrating-from-socket.io.md';
const WS_GUIDE = 'docs/migrating-from-ws-adapter.md';

/** Returns the page for an application, by whether its clients are those of Socket.IO. */
export const guideFor = (isSocketIo: boolean): string => (isSocketIo ? GUIDE : WS_GUIDE);

/** The sections of the guides that help with what the codemod cannot change. A spec compares them with the pages. */
export const SECTIONS = {
  before: `${GUIDE}#before-you-start`,
  main: `${GUIDE}#maints`,
  gateways: `${GUIDE}#gateways`,
  options: `${GUIDE}#options`,
  wsTypes: `${WS_GUIDE}#types`,
  wsSubclasses: `${WS_GUIDE}#subclasses`,
  wsFormat: `${WS_GUIDE}#messages-in-another-format`,
} as const;

export type Section = keyof typeof SECTIONS;

/** A place in the code that the codemod left for its user. */
export interface Finding {
  readonly file: string;
  /** Counted from 1, in the file as it was. */
  readonly line: number;
  /** What is there, why it was left, and what to do about it. */
  readonly reason: string;
  /** The address of the section that helps: `docs/migrating-from-socket.io.md#gateways`. */
  readonly section: string;
}
