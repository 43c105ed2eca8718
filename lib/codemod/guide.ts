/** The page that findings refer to. */
const GUIDE = 'docs/migrating-from-socket.io.md';

/** The sections of the guide that help with what the codemod cannot change. A spec compares them with the page. */
export const SECTIONS = {
  before: `${GUIDE}#before-you-start`,
  main: `${GUIDE}#maints`,
  gateways: `${GUIDE}#gateways`,
  options: `${GUIDE}#options`,
  wsAdapter: `${GUIDE}#from-wsadapter`,
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
