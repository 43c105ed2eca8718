import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { Page } from 'playwright-core';
import { AppModule } from '../../sample/06-orders/src/app.module.js';
import { servePage } from '../../sample/06-orders/src/serve-page.js';
import { startSharedApp, type TestApp } from '../support/app.js';

/** What the browser writes to its console while the server is away, or refuses what a test sends. */
const EXPECTED = /^WebSocket connection to .* failed: /;

/** The page of the sample, built from the sources of this package into a temporary folder. */
export class BuiltPage {
  private readonly folder = mkdtempSync(join(tmpdir(), 'orders-page-'));

  constructor() {
    const script = join(process.cwd(), 'test/support/child/build-page.mjs');
    execFileSync(process.execPath, [script, 'sample/06-orders', this.folder], { stdio: 'pipe' });
  }

  /** Starts the sample with this page. The caller closes it. */
  serve(port = 0): Promise<TestApp> {
    return startSharedApp(
      { imports: [AppModule] },
      {
        listen: { host: '127.0.0.1', port },
        before: (nest) => servePage(nest as NestExpressApplication, this.folder),
      },
    );
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}

/** One window of the sample, with the problems that occurred in it. */
export class OrdersWindow {
  readonly problems: string[] = [];

  constructor(readonly page: Page) {
    page.on('pageerror', (error) => this.problems.push(error.message));
    page.on('console', (message) => {
      const isProblem = message.type() === 'error' || message.type() === 'warning';
      if (isProblem && !EXPECTED.test(message.text())) this.problems.push(message.text());
    });
  }

  /** Signs in as a person, by the first name. */
  async openAs(url: string, name: string): Promise<this> {
    await this.page.goto(url);
    await this.page.getByRole('button', { name }).click();
    await this.page.getByText('Live', { exact: true }).waitFor();
    await this.row(1042).waitFor();
    return this;
  }

  /** Connects at once, as when the device is online again. */
  goOnline(): Promise<unknown> {
    return this.page.evaluate("dispatchEvent(new Event('online'))");
  }

  row(id: number) {
    return this.page.getByRole('row', { name: `#${id}` });
  }

  /** The open order. */
  get panel() {
    return this.page.getByRole('region', { name: /^Order #/ });
  }

  /** The edits that are not saved, of orders that are not open. */
  get unsaved() {
    return this.page.getByRole('region', { name: /edit/ });
  }

  async open(id: number): Promise<void> {
    await this.row(id).getByRole('link').click();
    await this.page.getByRole('heading', { name: `Order #${id}` }).waitFor();
  }

  async close(): Promise<void> {
    await this.panel.getByRole('button', { name: 'Close' }).click();
    await this.panel.waitFor({ state: 'detached' });
  }

  /** Changes the quantity of the open order, and saves it unless told otherwise. */
  async setQuantity(quantity: number, { isSaved = true } = {}): Promise<void> {
    await this.page.getByLabel('Quantity', { exact: true }).fill(String(quantity));
    if (isSaved) await this.page.getByRole('button', { name: 'Save', exact: true }).click();
  }

  /** Waits until the table shows this quantity. */
  seesQuantity(id: number, quantity: number): Promise<void> {
    return this.row(id)
      .locator('.quantity', { hasText: new RegExp(`^${quantity}×$`) })
      .waitFor();
  }

  /** Waits until a text is on the page. */
  sees(text: string | RegExp): Promise<void> {
    return this.page.getByText(text).first().waitFor();
  }

  /** Waits until a screen reader is told a text. */
  hears(text: string | RegExp): Promise<void> {
    return this.page.getByRole('status').getByText(text).first().waitFor();
  }
}
