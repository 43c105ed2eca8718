import type { Locator, Page } from 'playwright-core';
import type { EnvelopeServer } from '../../lib/index.js';
import { ChatGateway } from '../explorer/chat.js';
import type { TestApp } from '../support/app.js';

/** Messages that the browser writes to its console when a connection is refused. */
const REFUSAL = /^WebSocket connection to .* failed: /;

/** The scroll position of a list. */
type Scrolled = Record<'scrollHeight' | 'scrollTop' | 'clientHeight', number>;

/** The page of the explorer, with the problems that occurred in it. */
export class Explorer {
  readonly problems: string[] = [];
  /** Requests of the page to other servers. */
  readonly foreignRequests: string[] = [];

  constructor(
    readonly page: Page,
    readonly app: TestApp,
  ) {
    page.on('pageerror', (error) => this.problems.push(error.message));
    page.on('console', (message) => {
      const isProblem = message.type() === 'error' || message.type() === 'warning';
      if (isProblem && !REFUSAL.test(message.text())) this.problems.push(message.text());
    });
    page.on('request', (request) => {
      if (new URL(request.url()).host !== `127.0.0.1:${app.port}`) this.foreignRequests.push(request.url());
    });
  }

  get server(): EnvelopeServer {
    return this.app.nest.get(ChatGateway).server;
  }

  async open(route = ''): Promise<this> {
    // Navigation to another fragment of the same page would not reload it.
    await this.page.goto('about:blank');
    await this.page.goto(`http://127.0.0.1:${this.app.port}/ws-docs${route}`);
    await this.page.locator('#detail h2').waitFor();
    return this;
  }

  /** Selects an event of the list. */
  async choose(event: string): Promise<void> {
    await this.page.locator('#index').getByRole('link').filter({ hasText: event }).first().click();
    await this.page.locator('#detail h2').getByText(event, { exact: true }).waitFor();
  }

  async connect(): Promise<void> {
    await this.page.click('#connect');
    await this.expectText('#state', 'Connected');
  }

  async send(payload?: string): Promise<void> {
    if (payload !== undefined) await this.page.fill('#payload', payload);
    await this.page.click('#send');
  }

  /** Waits until an element shows the text. Rejects after a timeout. */
  expectText(selector: string, text: string | RegExp): Promise<void> {
    return this.page.locator(selector).getByText(text).first().waitFor();
  }

  /** Returns the locator of a row in the list of frames. */
  frame(direction: 'in' | 'out', event: string): Locator {
    const title = this.page.locator('.event').getByText(event, { exact: true });
    return this.page.locator(`#frames > li.${direction}`, { has: title });
  }

  /** Returns whether the list of frames is scrolled to its end. */
  isAtEnd(): Promise<boolean> {
    return this.page
      .locator('#frames')
      .evaluate((list: Scrolled) => list.scrollHeight - list.scrollTop - list.clientHeight < 10);
  }
}
