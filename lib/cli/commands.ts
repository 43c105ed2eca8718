import type { Command } from './command.js';

/** A row of the table of commands. */
interface CommandEntry {
  /** One line for the list of commands. */
  readonly summary: string;
  /** Loads the command when it is called, so that the others cost nothing. */
  readonly load: () => Promise<{ readonly command: Command }>;
}

/** All commands by name, in the order of the help. To add one: a file in `commands/` that exports `command`, and a row here. */
export const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  connect: {
    summary: 'send and receive messages by hand, or from a script',
    load: () => import('./commands/connect.js'),
  },
  emit: { summary: 'send an event', load: () => import('./commands/emit.js') },
  ask: { summary: 'send a request and print its answer', load: () => import('./commands/ask.js') },
  watch: { summary: 'print the events of the server', load: () => import('./commands/watch.js') },
  types: { summary: 'make the types of a client from a contract', load: () => import('./commands/types.js') },
  contract: {
    summary: 'show a contract, or copy it to a file',
    load: () => import('./commands/contract.js'),
  },
  conformance: {
    summary: 'check a server or a client against PROTOCOL.md',
    load: () => import('./commands/conformance.js'),
  },
  load: { summary: 'measure how long answers take under load', load: () => import('./commands/load.js') },
  migrate: {
    summary: 'move an application from Socket.IO or WsAdapter to this package',
    load: () => import('./commands/migrate.js'),
  },
};
