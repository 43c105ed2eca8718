/** @jest-environment jsdom */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { act, cleanup, render, screen } from '@testing-library/react';
import { createElement, StrictMode } from 'react';
import { ClientSocket, connect } from 'nestjs-envelope/client';
import { createEnvelopeHooks } from 'nestjs-envelope/react';

interface Listens {
  echo: (text: string) => void;
}
interface Emits {
  echo: (text: string, answer: (text: string) => void) => void;
}
const { EnvelopeProvider, useRequest, useSocket } = createEnvelopeHooks<Listens, Emits>();

let server: ChildProcess;
let url: string;
beforeAll(async () => {
  // Nest does not run in jsdom.
  server = fork(join(__dirname, '../dist/src/main.js'));
  const [address] = (await once(server, 'message')) as [string];
  url = new URL('/ws', address.replace('[::1]', 'localhost')).href;
});
afterAll(() => server.kill());

it('nestjs-envelope/react in a page of React 18 and jsdom, CommonJS', async () => {
  let socket: ClientSocket<Listens, Emits> | undefined;
  const Echo = () => {
    socket = useSocket();
    const { data, error } = useRequest('echo', 'hi');
    return createElement('p', null, error?.message ?? data ?? 'waiting');
  };
  const page = createElement(EnvelopeProvider, { url }, createElement(Echo));
  render(createElement(StrictMode, null, page));
  expect(screen.getByText('waiting')).toBeTruthy();
  expect(await screen.findByText('hi', {}, { timeout: 5_000 })).toBeTruthy();
  // both entries are one copy of the client
  expect(socket).toBeInstanceOf(ClientSocket);
  expect(connect(url, { autoConnect: false })).toBeInstanceOf(ClientSocket);
  act(() => cleanup());
  await new Promise<void>((resolve) => {
    socket!.onState((state) => state === 'closed' && resolve());
  });
});
