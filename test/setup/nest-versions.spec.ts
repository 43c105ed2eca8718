import { readFileSync } from 'node:fs';
import * as common from '@nestjs/common';
import * as core from '@nestjs/core';
import * as platformWs from '@nestjs/platform-ws';
import * as websockets from '@nestjs/websockets';

declare const NEST_MAJOR: 11 | 12;

const ROOTS = { 11: 'test/nest-11/node_modules', 12: 'node_modules' };

function versionOnDisk(name: string): string {
  return JSON.parse(readFileSync(`${ROOTS[NEST_MAJOR]}/${name}/package.json`, 'utf8')).version;
}

describe('this run', () => {
  it.each(['common', 'core', 'platform-express', 'platform-fastify', 'platform-ws', 'testing', 'websockets'])(
    'has @nestjs/%s of its own major installed',
    (name) => {
      expect(versionOnDisk(`@nestjs/${name}`)).toMatch(new RegExp(`^${NEST_MAJOR}\\.`));
    },
  );

  it('loads that major', () => {
    // Nest 12 is ES modules only and Nest 11 CommonJS only, and only the latter has __esModule.
    for (const loaded of [common, core, platformWs, websockets]) {
      expect('__esModule' in loaded).toBe(NEST_MAJOR === 11);
    }
  });

  it('runs the specs as its kind of module', () => {
    expect(typeof require === 'undefined').toBe(NEST_MAJOR === 12);
  });
});
