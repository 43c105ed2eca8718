import 'reflect-metadata';

interface Call {
  call: number;
  name: string;
  args: unknown[];
}

/** What the parent has this process do, by name. A child that is left alone must not go on for ever. */
export function serveCommands(commands: Record<string, (...args: never[]) => unknown>): void {
  const run = async ({ call, name, args }: Call): Promise<void> => {
    try {
      const result = await (commands[name] as (...args: unknown[]) => unknown)(...args);
      process.send!({ call, result });
    } catch (error) {
      process.send!({ call, error: String(error instanceof Error ? error.stack : error) });
    }
  };
  // a worker's line carries more than calls
  process.on('message', (message: Partial<Call>) => {
    if (message.call !== undefined) void run(message as Call);
  });
  process.on('disconnect', () => process.exit(1));
  // the parent's line is no reason to stay
  process.channel!.unref();
  process.send!({ ready: true });
}

/** Lets the parent know. Resolves when it has left this process. */
export function emitToParent(event: string, value?: unknown): Promise<void> {
  return new Promise((resolve) => process.send!({ event, value }, () => resolve()));
}

/** What the parent started this process with. */
export function settings<Settings>(): Settings {
  return JSON.parse(process.env['SETTINGS'] ?? '{}') as Settings;
}
