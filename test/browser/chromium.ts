import { existsSync } from 'node:fs';
import { chromium, type Browser, type Page } from 'playwright-core';

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

/** A headless Chromium that nobody has used before: Playwright gives it a new profile, and removes that again. */
export class Chromium {
  private constructor(private readonly browser: Browser) {}

  static async launch(): Promise<Chromium> {
    return new Chromium(await chromium.launch({ executablePath: EXECUTABLE, headless: true, args: FLAGS }));
  }

  /** A window of its own; tabs of one window would slow each other down. */
  async open(): Promise<Page> {
    const context = await this.browser.newContext();
    context.setDefaultTimeout(10_000);
    return context.newPage();
  }

  close(): Promise<void> {
    return this.browser.close();
  }
}
