import { existsSync } from 'node:fs';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { LONGEST_WAIT } from '../support/longest-wait.js';

/**
 * The same browser without a window of its own comes first: Chromium itself draws its controls for each window, also a headless one. A
 * new page took 3.2 s of a processor with it, and 0.7 s with the shell.
 */
const INSTALLED = ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium'];
const EXECUTABLE = process.env.CHROMIUM ?? INSTALLED.find((path) => existsSync(path)) ?? '/usr/bin/chromium';
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Skips these tests with a message if no browser is installed. In CI they fail instead. */
export const describeInBrowser = existsSync(EXECUTABLE) || process.env.CI === 'true' ? describe : skip();

function skip(): jest.Describe {
  process.stderr.write(
    `No browser at ${EXECUTABLE} (apt-get install chromium-headless-shell, or set CHROMIUM): these tests are skipped\n`,
  );
  return describe.skip;
}

/** A headless Chromium with a new profile, which Playwright removes at the end. */
export class Chromium {
  private constructor(private readonly browser: Browser) {}

  static async launch(): Promise<Chromium> {
    return new Chromium(
      await chromium.launch({
        executablePath: EXECUTABLE,
        headless: true,
        args: FLAGS,
        timeout: LONGEST_WAIT,
      }),
    );
  }

  /** Opens a page in a separate window, because tabs of one window slow each other down. */
  async open(options: BrowserContextOptions = {}): Promise<Page> {
    const context = await this.browser.newContext(options);
    context.setDefaultTimeout(LONGEST_WAIT);
    return context.newPage();
  }

  close(): Promise<void> {
    return this.browser.close();
  }
}
