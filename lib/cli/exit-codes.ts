/** What the exit code of the process says. docs/cli.md lists them. */
export const EXIT = {
  ok: 0,
  /** The request, the check or another part of the command's work failed. */
  failed: 1,
  /** The command line cannot be understood, or an argument is malformed. */
  usage: 2,
  /** The connection could not be opened, or it ended before the command was done. */
  connection: 3,
  /** SIGINT (Ctrl-C) ended the command. */
  interrupted: 130,
  /** SIGTERM ended the command. */
  terminated: 143,
} as const;

/** The codes of errors that the command line caused. */
const USAGE: ReadonlySet<unknown> = new Set([
  'ERR_ENVELOPE_INVALID_ARGUMENT',
  'ERR_ENVELOPE_INVALID_OPTION',
  'ERR_ENVELOPE_INVALID_EVENT',
  'ERR_ENVELOPE_RESERVED_EVENT',
  'ERR_ENVELOPE_INVALID_CONTRACT',
]);
const CONNECTION: ReadonlySet<unknown> = new Set(['ConnectError', 'DisconnectedError']);

/** Returns the exit code for an error that ended a command. */
export function exitCodeOf(error: unknown): number {
  const { code, name, exitCode } = Object(error) as { code?: unknown; name?: unknown; exitCode?: unknown };
  if (typeof exitCode === 'number') return exitCode;
  if (USAGE.has(code)) return EXIT.usage;
  return CONNECTION.has(name) ? EXIT.connection : EXIT.failed;
}

/** Returns the exit code for a connection that the server closed: 1000 says that all is done. */
export function exitCodeOfClose(code: number): number {
  return code === 1000 ? EXIT.ok : EXIT.connection;
}
