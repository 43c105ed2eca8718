import 'reflect-metadata';
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { NestFactory } from '@nestjs/core';
import { EnvelopeAdapter } from 'nestjs-envelope';
import { ClientSocket } from 'nestjs-envelope/client';
import {
  createEnvelopeHooks,
  EnvelopeProvider as AnyProvider,
  useSocket as useAnySocket,
} from 'nestjs-envelope/react';
import { createElement, type ReactElement } from 'react';
import { renderToString } from 'react-dom/server';
import { AppModule } from '../src/app.module.js';

interface Listens {
  echo: (text: string) => void;
}
interface Emits {
  echo: (text: string, answer: (text: string) => void) => void;
}
const { EnvelopeProvider, useConnectionState, useRequest, useSocket } = createEnvelopeHooks<Listens, Emits>();

it(
  'nestjs-envelope/react on a server, and in a simulated page, ES modules',
  { timeout: 30_000 },
  async () => {
    const app = await NestFactory.create(AppModule, { logger: false });
    app.useWebSocketAdapter(new EnvelopeAdapter(app));
    await app.listen(0);
    try {
      await usesHooks(await app.getUrl());
    } finally {
      await app.close();
    }
  },
);

async function usesHooks(address: string): Promise<void> {
  const url = new URL('/ws', address);
  let socket: ClientSocket<Listens, Emits> | undefined;
  const Echo = (): string => {
    socket = useSocket();
    const { data = '-' } = useRequest('echo', 'hi');
    return `${useConnectionState()} ${data}`;
  };
  const page = (): ReactElement => createElement(EnvelopeProvider, { url }, createElement(Echo));
  assert.equal(renderToString(page()), 'idle -');
  // both entries are one copy of the client
  assert.ok(socket instanceof ClientSocket);
  const Untyped = (): string => String(useAnySocket() instanceof ClientSocket);
  assert.equal(renderToString(createElement(AnyProvider, { url: '/ws' }, createElement(Untyped))), 'true');

  // A module of which only these members are used, so that its types need no DOM.
  const { Window } = (await import('happy-dom' as string)) as {
    Window: new () => {
      document: { body: { textContent: string }; createElement(name: string): never };
      navigator: unknown;
      HTMLIFrameElement: unknown;
    };
  };
  const window = new Window();
  const { document, navigator, HTMLIFrameElement } = window;
  const globals = { window, document, navigator, HTMLIFrameElement };
  // later versions of Node have a read-only `navigator`
  for (const [name, value] of Object.entries(globals)) Object.defineProperty(globalThis, name, { value });
  const { createRoot } = await import('react-dom/client');
  const element = document.createElement('div');
  (document.body as unknown as { append(child: unknown): void }).append(element);
  const root = createRoot(element);
  root.render(page());
  const deadline = Date.now() + 10_000;
  while (document.body.textContent !== 'open hi' && Date.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(document.body.textContent, 'open hi');
  root.unmount();
  const closed = new Promise<void>((resolve) => {
    socket!.onState((state) => state === 'closed' && resolve());
  });
  await closed;
}
