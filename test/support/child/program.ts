import 'reflect-metadata';

interface Call {
  call: number;
  name: string;
  args: unknown[];
}

/** Runs the commands of the parent, by name. Exits when the channel to the parent closes. */
export function serveCommands(commands: Record<string, (...args: never[]) => unknown>): void {
  const run = async ({ call, name, args }: Call): Promise<void> => {
    try {
      const result = await (commands[name] as (...args: unknown[]) => unknown)(...args);
      process.send!({ call, result });
    } catch (error) {
      process.send!({ call, error: String(error instanceof Error ? error.stack : error) });
    }
  };
  // a cluster worker receives other messages, too
  process.on('message', (message: Partial<Call>) => {
    if (message.call !== undefined) void run(message as Call);
  });
  process.on('disconnect', () => process.exit(1));
  // the channel to the parent does not keep the process alive
  process.channel!.unref();
  process.send!({ ready: true });
}

/** Emits an event to the parent. Resolves when it was sent. */
export function emitToParent(event: string, value?: unknown): Promise<void> {
  return new Promise((resolve) => process.send!({ event, value }, () => resolve()));
}

/** Returns the settings that the parent passed. */
export function settings<Settings>(): Settings {
  return JSON.parse(process.env['SETTINGS'] ?? '{}') as Settings;
}
