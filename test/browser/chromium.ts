import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type BrowserContext, type BrowserContextOptions } from 'playwright-core';

const EXECUTABLE = process.env.CHROMIUM ?? '/usr/bin/chromium';
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Where there is no browser these tests are left out, and say so; in CI they fail instead. */
export const describeInBrowser = existsSync(EXECUTABLE) || process.env.CI === 'true' ? describe : leaveOut();

function leaveOut(): jest.Describe {
  process.stderr.write(
    `No browser at ${EXECUTABLE} (apt-get install chromium, or set CHROMIUM): these tests are skipped\n`,
  );
  return describe.skip;
}

/** A headless Chromium that nobody has used before. */
export class Chromium {
  private constructor(
    private readonly profile: string,
    private readonly context: BrowserContext,
  ) {}

  static async launch(options: BrowserContextOptions = {}): Promise<Chromium> {
    const profile = await mkdtemp(join(tmpdir(), 'nestjs-envelope-chromium-'));
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: EXECUTABLE,
      headless: true,
      args: FLAGS,
      ...options,
    });
    context.setDefaultTimeout(10_000);
    return new Chromium(profile, context);
  }

  /** A new window. */
  open(): ReturnType<BrowserContext['newPage']> {
    return this.context.newPage();
  }

  async close(): Promise<void> {
    await this.context.close();
    await rm(this.profile, { recursive: true, force: true });
  }
}
