import { ContextIdFactory, type ContextId } from '@nestjs/core';
import { startSharedApp, type TestApp } from '../support/app.js';
import type { TestClient } from '../support/client.js';
import { GATEWAYS, log } from './argument-reader-gateways.js';

const WAYS = ['throw', 'reject', 'wait'];
const MESSAGES: [event: string, data: unknown][] = [
  ['bare', 'text'],
  ['bare', { then: 'no promise' }],
  ['bare', { unusual: 'promise' }],
  ['bare', { unusual: 'rejection' }],
  ['nothing', undefined],
  ['parts', { part: 'one' }],
  ['parts', null],
  ['parts', { unusual: 'getter' }],
  ['asynchronous', 'text'],
  ['asynchronous', 'reject'],
  ['throws', 'client'],
  ['throws', 'server'],
  ['unfiltered', undefined],
  ['source', 'text'],
  ['source', 'fail'],
  ['generator', 3],
  ['guarded', 'text'],
  ['guarded', 'forbidden'],
  ['intercepted', 'text'],
  ['intercepted', 'throw'],
  ['decorated', 'text'],
  ['piped', 'text'],
  ...WAYS.map((way): [string, unknown] => ['piped', `${way} a`]),
  ['piped', { unusual: 'promise' }],
  ['twice', 'text'],
  ...WAYS.map((way): [string, unknown] => ['twice', `${way} a`]),
  ['all', { part: 'text' }],
  ['all', 'forbidden'],
  ...WAYS.map((way): [string, unknown] => ['all', { part: `${way} a` }]),
  ['all', { unusual: 'getter' }],
  ['mixed', 'text'],
  ...WAYS.map((way): [string, unknown] => ['mixed', `${way} d`]),
  ['mixed decorators', 'text'],
  ['scoped', 'text'],
  ['scoped', 'throw'],
  ['durable', 'text'],
];

type Creator = Record<'createPipesFn', unknown>;
interface Module {
  getContextCreator(...args: unknown[]): Creator;
}

function moduleOf({ nest }: TestApp): object {
  return Reflect.get(nest, 'socketModule') as object;
}

function creatorOf(app: TestApp): Creator {
  const controller = Reflect.get(moduleOf(app), 'webSocketsController') as object;
  return Reflect.get(controller, 'contextCreator') as Creator;
}

/** Starts the application with a context creator whose method was replaced already: by itself. */
async function startWithNestsOwn(like: TestApp): Promise<TestApp> {
  const prototype = Object.getPrototypeOf(moduleOf(like)) as Module;
  const { getContextCreator } = prototype;
  prototype.getContextCreator = function (...args) {
    const creator = getContextCreator.apply(this, args);
    const { createPipesFn } = creator;
    return Object.assign(creator, { createPipesFn });
  };
  try {
    return await startSharedApp({ providers: GATEWAYS });
  } finally {
    prototype.getContextCreator = getContextCreator;
  }
}

describe('the arguments of handlers', () => {
  let shortened: TestApp;
  let nests: TestApp;
  const clients = new Map<TestApp, TestClient>();

  beforeAll(async () => {
    const tenant: ContextId = { id: 1 };
    ContextIdFactory.apply({
      attach: (contextId) => (info) => (info.isTreeDurable ? tenant : contextId),
    });
    shortened = await startSharedApp({ providers: GATEWAYS });
    nests = await startWithNestsOwn(shortened);
    for (const app of [shortened, nests]) clients.set(app, await app.connect('/ws?name=me'));
  });

  afterAll(async () => {
    Reflect.set(ContextIdFactory, 'strategy', undefined);
    await Promise.all([shortened, nests].map((app) => app.close()));
  });

  /** Sends messages in one piece. @returns what happens on the server, and what the client gets */
  async function logOf(app: TestApp, messages: object[]): Promise<unknown[]> {
    const client = clients.get(app)!;
    log.length = 0;
    client.frames.length = 0;
    const tcp = Reflect.get(client.ws, '_socket') as { cork(): void; uncork(): void };
    tcp.cork();
    for (const message of messages) client.send(message);
    tcp.uncork();
    await client.settled();
    // a source of values, a pipe that waits and a filter take turns of the event loop
    await client.settled();
    const frames = client.frames.filter(({ event }) => event !== '$ping').map((frame) => ({ ...frame }));
    return [...log, ...frames.map((frame) => JSON.stringify(frame))];
  }

  it('are read by another function than that of Nest, where nobody else has replaced it', () => {
    const [ours, own] = [creatorOf(shortened), creatorOf(nests)];
    const { createPipesFn } = Object.getPrototypeOf(own) as Creator;
    expect(own.createPipesFn).toBe(createPipesFn);
    expect(ours.createPipesFn).not.toBe(createPipesFn);
    expect(Object.hasOwn(moduleOf(shortened), 'getContextCreator')).toBe(false);
  });

  describe.each([
    ['a message', undefined],
    ['a request', 7],
  ])('of %s', (_, id) => {
    it.each(MESSAGES)('take as many turns as by Nest: "%s" with %j', async (event, data) => {
      const message = { event, data, id };
      const expected = await logOf(nests, [message]);
      expect(expected.length).toBeGreaterThan(0);
      expect(await logOf(shortened, [message])).toEqual(expected);
    });
  });

  it('keep the order of messages that arrive together', async () => {
    const messages = MESSAGES.map(([event, data], i) => ({ event, data, ...(i % 2 === 0 && { id: i }) }));
    const expected = await logOf(nests, messages);
    expect(await logOf(shortened, messages)).toEqual(expected);
  });
});
