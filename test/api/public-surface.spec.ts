import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { WebSocket } from 'ws';
import * as client from '../../lib/client/index.js';
import * as nodeClient from '../../lib/client/node.js';
import {
  ACCEPTS_ANYTHING,
  CALLED_BY_REACT,
  CONSTANT,
  connectRow,
  ENTRIES,
  KINDS,
  PACKAGE_ONLY,
  surfaceOf,
  type Kind,
  type Row,
} from '../support/public-surface.js';

const cleanups: (() => unknown)[] = [];
let table: ReturnType<typeof surfaceOf>;

const createApp = async (): Promise<INestApplication> => {
  const created = (await Test.createTestingModule({}).compile()).createNestApplication({ logger: false });
  cleanups.push(() => created.close());
  return created;
};

beforeAll(async () => {
  table = surfaceOf(await createApp(), await createApp(), cleanups);
});
afterAll(async () => {
  await Promise.all(cleanups.map((end) => end()));
});

/** Returns the error of a call, or undefined. */
async function errorOf(call: () => unknown): Promise<unknown> {
  try {
    await call();
    return undefined;
  } catch (error) {
    return error;
  }
}

/** Asserts that the error names the function and the parameter. */
function expectNamed(error: unknown, name: string, parameter: string, what: string): void {
  const text = error instanceof Error ? error.message : `no error: ${String(error)}`;
  expect([what, text]).toEqual([
    what,
    expect.stringMatching(new RegExp(`^@?${name.replace('.', '\\.')}\\b`)),
  ]);
  expect([what, text]).toEqual([what, expect.stringContaining(parameter)]);
}

async function expectGuarded(exported: string, { name = exported, params, call }: Row): Promise<void> {
  const valid = params.map((parameter) => parameter.valid);
  for (const [i, parameter] of params.entries()) {
    const missing = await errorOf(() => call(...valid.slice(0, i)));
    if (parameter.optional === true) expect([name, i, missing]).toEqual([name, i, undefined]);
    else expectNamed(missing, name, parameter.name, `${name} without ${parameter.name}`);
    for (const [kind, value] of Object.entries(KINDS) as [Kind, unknown][]) {
      const what = `${name}, ${parameter.name}: ${kind}`;
      const error = await errorOf(() => call(...valid.map((other, at) => (at === i ? value : other))));
      if (parameter.takes?.includes(kind) === true) expect([what, error]).toEqual([what, undefined]);
      // An error for an unknown or missing option names the option instead.
      else expectNamed(error, name, kind === 'object' ? '' : parameter.name, what);
    }
  }
  expect([name, await errorOf(() => call(...valid))]).toEqual([name, undefined]);
}

describe.each(Object.keys(ENTRIES))('the entry %s', (entry) => {
  it('has a row for each of its exports', () => {
    expect(Object.keys(ENTRIES[entry]!).sort()).toEqual(Object.keys(table[entry]!).sort());
  });

  it.each(Object.keys(ENTRIES[entry]!))(
    '%s works, or throws an error with the name of the missing or wrong parameter',
    async (exported) => {
      const subject = ENTRIES[entry]![exported];
      const row = table[entry]![exported];
      if (row === CONSTANT) expect(typeof subject).not.toBe('function');
      else if (row === CALLED_BY_REACT) expect(typeof subject).toBe('function');
      else if (row === ACCEPTS_ANYTHING || row === PACKAGE_ONLY) {
        const type = subject as new (...args: unknown[]) => object;
        const calls: unknown[][] = [[], [null, null], ['text', 'text']];
        if (row === ACCEPTS_ANYTHING) calls.splice(1, 2, [{}]);
        for (const args of calls) {
          const isClass = /^class\b/.test(String(type));
          const error = await errorOf(() =>
            isClass ? Reflect.construct(type, args) : Reflect.apply(type, undefined, args),
          );
          if (row === ACCEPTS_ANYTHING) expect([args, error]).toEqual([args, undefined]);
          else expectNamed(error, exported, '', `new ${exported}(${args.map(String).join(', ')})`);
        }
      } else for (const one of [row].flat() as Row[]) await expectGuarded(exported, one);
    },
  );
});

it('covers every entry of package.json and the exports of the client for browsers', async () => {
  const { exports } = JSON.parse(readFileSync(join(process.cwd(), 'package.json'), 'utf8')) as {
    exports: object;
  };
  const files = ['./client.min.js', './package.json'];
  expect(
    Object.keys(exports)
      .filter((name) => !files.includes(name))
      .sort(),
  ).toEqual(Object.keys(ENTRIES).sort());
  expect(Object.keys(client).sort()).toEqual(Object.keys(nodeClient).sort());
  const { call, params } = connectRow(client.connect);
  const before = Object.getOwnPropertyDescriptor(globalThis, 'WebSocket');
  Object.defineProperty(globalThis, 'WebSocket', { value: WebSocket, configurable: true });
  try {
    await expectGuarded('connect', { call, params });
  } finally {
    Reflect.deleteProperty(globalThis, 'WebSocket');
    if (before !== undefined) Object.defineProperty(globalThis, 'WebSocket', before);
  }
});
