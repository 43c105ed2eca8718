import type { Locator, Page } from 'playwright-core';
import type { TestApp } from '../support/app.js';
import { COOKIE } from './console-gateway.js';

/** Messages that the browser writes to its console when a connection is refused or the server is away. */
const EXPECTED = /^WebSocket connection to .* failed: |^Failed to load resource: net::/;

/** The page of the console, with the problems that occurred in it. */
export class ConsolePage {
  readonly problems: string[] = [];
  /** Addresses that the page requested, WebSockets included. */
  readonly addresses: string[] = [];

  constructor(
    readonly page: Page,
    readonly port: number,
  ) {
    page.on('pageerror', (error) => this.problems.push(error.message));
    page.on('console', (message) => {
      const isProblem = message.type() === 'error' || message.type() === 'warning';
      if (isProblem && !EXPECTED.test(message.text())) this.problems.push(message.text());
    });
    page.on('request', (request) => this.addresses.push(request.url()));
    page.on('websocket', (socket) => this.addresses.push(socket.url()));
  }

  /** Opens the console without credentials. */
  async open(route = ''): Promise<this> {
    await this.page.goto(`http://127.0.0.1:${this.port}/ws-docs/console${route}`);
    return this;
  }

  /** Opens the console as somebody who is signed in to the application. */
  async openSignedIn(route = ''): Promise<this> {
    await this.page.context().addCookies([{ ...COOKIE, url: `http://127.0.0.1:${this.port}` }]);
    await this.open(route);
    await this.expectState('Connected');
    await this.page.locator('#view h2').waitFor();
    return this;
  }

  expectState(text: string): Promise<void> {
    return this.page.locator('#state b').getByText(text, { exact: true }).waitFor();
  }

  /** Waits until a heading of a view has this text. */
  expectView(name: string): Promise<void> {
    return this.page.getByRole('heading', { name, level: 2, exact: true }).waitFor();
  }

  /** Waits until an element shows the text. */
  expectText(selector: string, text: string | RegExp): Promise<void> {
    return this.page.locator(selector).getByText(text).first().waitFor();
  }

  /** @param title the heading of the view, if it is another */
  async goTo(name: string, title = name): Promise<void> {
    await this.page.locator('#views').getByRole('link', { name }).click();
    await this.expectView(title);
  }

  table(name: string): Locator {
    return this.page.getByRole('table', { name });
  }

  /** Waits until a row of a table shows all these texts. */
  expectRow(table: string, ...texts: (string | RegExp)[]): Promise<void> {
    let row = this.table(table).getByRole('row');
    for (const text of texts) row = row.filter({ hasText: text });
    return row.first().waitFor();
  }

  button(name: string | RegExp): Locator {
    return this.page.getByRole('button', { name, exact: typeof name === 'string' });
  }

  /** Runs an action: its button, its fields by label, and the confirmation. */
  async act(button: Locator, confirm: string, fields: Record<string, string> = {}): Promise<void> {
    await button.click();
    const dialog = this.page.getByRole('dialog');
    for (const [label, value] of Object.entries(fields)) {
      const field = dialog.getByLabel(label, { exact: true });
      const isChoice = await field.evaluate(
        (element) => (element as { tagName: string }).tagName === 'SELECT',
      );
      if (isChoice) await field.selectOption(value);
      else await field.fill(value);
    }
    await dialog.getByRole('button', { name: confirm, exact: true }).click();
    await dialog.waitFor({ state: 'detached' });
  }
}

/** Starts a page for an application, in a window with an own profile. */
export function consoleOf(page: Page, app: Pick<TestApp, 'port'>): ConsolePage {
  return new ConsolePage(page, app.port);
}
