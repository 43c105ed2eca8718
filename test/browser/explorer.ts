import type { Locator, Page } from 'playwright-core';
import type { EnvelopeServer } from '../../lib/index.js';
import { ChatGateway } from '../explorer/chat.js';
import type { TestApp } from '../support/app.js';

/** What the browser itself writes to its console about a refusal. */
const REFUSAL = /^WebSocket connection to .* failed: /;

/** The explorer's page, and what went wrong in it. */
export class Explorer {
  readonly complaints: string[] = [];
  /** Whatever it asked for that was not its own server's. */
  readonly foreign: string[] = [];

  constructor(
    readonly page: Page,
    readonly app: TestApp,
  ) {
    page.on('pageerror', (error) => this.complaints.push(error.message));
    page.on('console', (message) => {
      const isComplaint = message.type() === 'error' || message.type() === 'warning';
      if (isComplaint && !REFUSAL.test(message.text())) this.complaints.push(message.text());
    });
    page.on('request', (request) => {
      if (new URL(request.url()).host !== `127.0.0.1:${app.port}`) this.foreign.push(request.url());
    });
  }

  get server(): EnvelopeServer {
    return this.app.nest.get(ChatGateway).server;
  }

  async open(route = ''): Promise<this> {
    // a page that is only scrolled to another part of itself would not be loaded anew
    await this.page.goto('about:blank');
    await this.page.goto(`http://127.0.0.1:${this.app.port}/ws-docs${route}`);
    await this.page.locator('#detail h2').waitFor();
    return this;
  }

  /** Goes to an event of the list. */
  async choose(event: string): Promise<void> {
    await this.page.locator('#index').getByRole('link').filter({ hasText: event }).first().click();
    await this.page.locator('#detail h2').getByText(event, { exact: true }).waitFor();
  }

  async connect(): Promise<void> {
    await this.page.click('#connect');
    await this.sees('#state', 'Connected');
  }

  async send(payload?: string): Promise<void> {
    if (payload !== undefined) await this.page.fill('#payload', payload);
    await this.page.click('#send');
  }

  /** Resolves once an element shows a text; fails when it does not. */
  sees(selector: string, text: string | RegExp): Promise<void> {
    return this.page.locator(selector).getByText(text).first().waitFor();
  }

  /** A line of the list of frames. */
  frame(direction: 'in' | 'out', event: string): Locator {
    const title = this.page.locator('.event').getByText(event, { exact: true });
    return this.page.locator(`#frames > li.${direction}`, { has: title });
  }
}
