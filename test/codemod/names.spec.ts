import { readFileSync } from 'node:fs';
import { Namespace, Server, Socket } from 'socket.io';
import { SECTIONS } from '../../lib/codemod/guide.js';
import { ADAPTER_MEMBERS, nameHere, SERVER_MEMBERS, SOCKET_MEMBERS } from '../../lib/codemod/names.js';
import { fateOf } from '../../lib/codemod/option-table.js';
import * as here from '../../lib/index.js';

const { EnvelopeAdapter, EnvelopeServer, EnvelopeSocket } = here;

/** Names of methods and accessors of a class and its base classes. */
function membersOf(type: { prototype: object }): Set<string> {
  const names = new Set<string>();
  // the last prototype is Object's, of this realm or of Node's
  for (let owner = type.prototype, next; (next = Object.getPrototypeOf(owner) as object | null); owner = next)
    for (const name of Object.getOwnPropertyNames(owner)) if (name !== 'constructor') names.add(name);
  return names;
}

/** What the types of Socket.IO hide, and Node's emitters have. */
const HIDDEN = /^(_|setMaxListeners$|emitReserved$|emitUntyped$)/;
const publicMembers = (type: { prototype: object; name: string }): string[] => {
  const source = readFileSync(
    `node_modules/socket.io/dist/${type.name === 'Server' ? 'index' : type.name.toLowerCase()}.d.ts`,
    'utf8',
  );
  const hidden = new Set(
    [...source.matchAll(/^ {4}(?:private|protected) (?:get |set )?(\w+)/gm)].map(([, name]) => name),
  );
  return [...membersOf(type)].filter((name) => !HIDDEN.test(name) && !hidden.has(name));
};

describe('what the codemod knows', () => {
  it('lists the members of Socket.IO that are not here', () => {
    const server = membersOf(EnvelopeServer);
    const socket = membersOf(EnvelopeSocket);
    const missing = (all: string[], present: Set<string>): string[] =>
      all.filter((name) => !present.has(name));
    const ofServer = missing([...publicMembers(Server), ...publicMembers(Namespace)], server);
    expect(ofServer.filter((name) => !(name in SERVER_MEMBERS))).toEqual([]);
    const ofSocket = missing(publicMembers(Socket), socket);
    expect(ofSocket.filter((name) => !(name in SOCKET_MEMBERS))).toEqual([]);
    // it is here, and no function
    const different = Object.keys(SERVER_MEMBERS).filter((name) => server.has(name));
    expect(different).toEqual(['adapter']);
    expect(Object.keys(SOCKET_MEMBERS).filter((name) => socket.has(name))).toEqual(['send']); // of ws
  });

  it('lists the members of EnvelopeAdapter', () => {
    const own = Object.getOwnPropertyNames(new EnvelopeAdapter(undefined, { upgradeGuards: false }));
    const all = new Set([...membersOf(EnvelopeAdapter), ...own]);
    all.delete('logger'); // protected in all adapters
    expect([...all].filter((name) => !ADAPTER_MEMBERS.includes(name))).toEqual([]);
    // of one of Nest's majors only
    const others = ADAPTER_MEMBERS.filter((name) => !all.has(name));
    expect([
      '_forceCloseConnections',
      'forceCloseConnections',
      'upgradeListenersRegistry',
      'context',
    ]).toEqual(expect.arrayContaining(others));
  });

  it.each([
    ['socket.io', ['Server', 'Namespace', 'Socket', 'BroadcastOperator', 'RemoteSocket']],
    ['ws', ['Server', 'WebSocketServer', 'WebSocket', 'Socket', 'default']],
    ['@nestjs/platform-socket.io', ['IoAdapter']],
    ['@nestjs/platform-ws', ['WsAdapter']],
  ])('replaces names of %s by exports of this package', (module, names) => {
    for (const name of names) expect(here).toHaveProperty(nameHere(module, name)!);
  });

  it('does with options what the guide says', () => {
    const guide = readFileSync('docs/migrating-from-socket.io.md', 'utf8');
    const [, table] = /\n### Options\n([^]*?)\n## /.exec(guide)!;
    const rows = [...table!.matchAll(/^\| (`[^|]*?) *\| (.*?) *\|$/gm)];
    expect(rows.length).toBeGreaterThan(12);
    for (const [, left, right] of rows) {
      const expected = /^`socketIO/.test(right!)
        ? 'transport'
        : /^the same/.test(right!)
          ? 'keep'
          : /^always/.test(right!)
            ? 'drop'
            : 'missing';
      for (const [, name] of left!.replace(/\(.*?\)/g, '').matchAll(/`(\w+)`/g)) {
        const fate = fateOf(name!, 'true');
        expect([name, typeof fate === 'object' ? 'missing' : fate]).toEqual([name, expected]);
      }
    }
  });

  it('refers to sections of the guide', () => {
    for (const address of Object.values(SECTIONS)) {
      const [file, anchor] = address.split('#');
      const headings = [...readFileSync(file!, 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, text]) =>
        text!
          .toLowerCase()
          .replace(/[^\w\s-]/g, '')
          .replaceAll(' ', '-'),
      );
      expect(headings).toContain(anchor);
    }
  });
});
