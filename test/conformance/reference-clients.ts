import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { ClientProgram } from '../../lib/conformance/client/client-program.js';
import { describeIf } from '../support/brokers/describe-if.js';

/** Debian's own: the packages of Debian are not installed for any other Python in the search path. */
export const PYTHON = process.env.PYTHON_WEBSOCKETS ?? '/usr/bin/python3';
/** Where Debian installs the sources of Go's libraries. */
const GO_LIBRARIES = '/usr/share/gocode';
const ROOT = process.cwd();
/** Ignored by git. */
const BUILT = join(ROOT, 'test/.reference-clients');

const hasPython = spawnSync(PYTHON, ['-c', 'import websockets']).status === 0;
const GO_SOURCE = 'github.com/gorilla/websocket';
/** Go without its network: the library of Debian in a GOPATH. */
export const GO_ENV = {
  ...process.env,
  GO111MODULE: 'off',
  GOPATH: `${BUILT}:${GO_LIBRARIES}`,
  GOCACHE: join(BUILT, 'cache'),
  GOFLAGS: '',
};
const hasGo = spawnSync('go', ['list', GO_SOURCE], { env: GO_ENV }).status === 0;

/** Links the client into a GOPATH: its import path is `envelope`. */
export function prepareGo(): void {
  const link = join(BUILT, 'src/envelope');
  mkdirSync(join(BUILT, 'src'), { recursive: true });
  rmSync(link, { force: true });
  symlinkSync(join(ROOT, 'clients/go'), link);
}

let goProgram: string | undefined;

/** Builds the Go client once in this process. @throws Error with what the compiler said */
function goClient(): string {
  if (goProgram !== undefined) return goProgram;
  prepareGo();
  const output = join(BUILT, 'go-client');
  const { status, stderr } = spawnSync('go', ['build', '-o', output, 'envelope/conformance'], {
    env: GO_ENV,
  });
  if (status !== 0) throw new Error(`go build: ${String(stderr)}`);
  return (goProgram = output);
}

/** The clients in `clients/`, and how to describe their tests. */
export const REFERENCE_CLIENTS = [
  {
    name: 'clients/python',
    describe: describeIf(
      hasPython,
      `No websockets for ${PYTHON} (apt-get install python3-websockets, or set PYTHON_WEBSOCKETS)`,
    ),
    make: () => new ClientProgram(PYTHON, [join(ROOT, 'clients/python/conformance.py')]),
  },
  {
    name: 'clients/go',
    describe: describeIf(
      hasGo,
      `No Go with ${GO_SOURCE} (apt-get install golang-go golang-github-gorilla-websocket-dev)`,
    ),
    make: () => new ClientProgram(goClient()),
  },
];
