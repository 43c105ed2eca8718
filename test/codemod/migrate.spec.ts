import { join } from 'node:path';
import { expectGolden } from '../support/projects.js';
import { changedBy, filesAfter, filesBefore, folderOf, migrateFiles } from './project.js';

const PROJECTS = ['redis', 'adapters', 'default-adapter', 'ws-adapter', 'monorepo', 'left'];
const gateway = (code: string, path = 'src/chat.gateway.ts'): Record<string, string> => ({
  'package.json': '{ "dependencies": { "@nestjs/platform-socket.io": "^12.0.0" } }',
  [path]: code,
});
/** What the codemod makes of one file. */
const after = (code: string): string => Object.values(changedBy(migrateFiles(gateway(code))))[0] ?? code;
const reasons = (code: string): string[] => migrateFiles(gateway(code)).findings.map(({ reason }) => reason);

describe('the codemod', () => {
  it.each(PROJECTS)('changes the project %s as before, and nothing else', (name) => {
    const migration = migrateFiles(filesBefore(name));
    expectGolden(join(folderOf(name), 'after'), changedBy(migration));
    const left = migration.findings.map(
      ({ file, line, reason, section }) => `${file}:${line} ${reason}\n    ${section}\n`,
    );
    expectGolden(join(folderOf(name), 'findings'), left.length === 0 ? {} : { 'left.txt': left.join('') });
  });

  it.each(PROJECTS)('changes nothing in %s when it runs again', (name) => {
    expect(migrateFiles(filesAfter(name)).changes).toEqual([]);
  });

  describe('imports', () => {
    it('keeps names that a project has already, and those that it renames itself', () => {
      const code = [
        "import { Server as Live, Socket } from 'socket.io';",
        'class EnvelopeSocket {}',
        'export type Both = [Live, Socket, EnvelopeSocket];',
      ];
      expect(after(code.join('\n')).split('\n')).toEqual([
        "import { EnvelopeServer as Live, EnvelopeSocket as Socket } from 'nestjs-envelope';",
        ...code.slice(1),
      ]);
    });

    it('adds to an import of this package', () => {
      const code =
        "import { user } from 'nestjs-envelope';\nimport { Socket } from 'socket.io';\nexport type A = Socket;\n";
      expect(after(code)).toBe(
        "import { user, EnvelopeSocket } from 'nestjs-envelope';\nexport type A = EnvelopeSocket;\n",
      );
    });

    it('keeps the names of other packages, and those that a local name hides', () => {
      const code =
        "import { Socket } from 'net';\nimport { io, type Socket as Client } from 'socket.io-client';\nexport { io, type Client, Socket };\n";
      expect(after(code)).toBe(code);
      const hidden =
        "import { Socket } from 'socket.io';\nexport const f = (Socket: number) => Socket + x.Socket;\n";
      expect(after(hidden)).toContain('f = (Socket: number) => Socket + x.Socket');
    });

    it('leaves a class that the file creates or extends', () => {
      const code =
        "import { Server, Socket } from 'socket.io';\nexport const s = (c: Socket) => new Server(c);\n";
      expect(after(code)).toBe(
        "import { Server } from 'socket.io';\nimport { EnvelopeSocket } from 'nestjs-envelope';\nexport const s = (c: EnvelopeSocket) => new Server(c);\n",
      );
      expect(reasons(code)).toEqual([expect.stringMatching(/^Server of socket.io is used as a value/)]);
    });
  });

  describe('applications of WsAdapter', () => {
    const ofWs = (code: string): ReturnType<typeof migrateFiles> =>
      migrateFiles({
        'package.json': '{ "dependencies": { "@nestjs/platform-ws": "^11.0.0" } }',
        'src/chat.gateway.ts': `import { WebSocketGateway } from '@nestjs/websockets';\n@WebSocketGateway() class A {}\n${code}`,
      });

    it('names a client that is a Socket of ws, which its types do not have', () => {
      const [change] = ofWs(
        "import { Socket } from 'ws';\nexport const f = (c: Socket) => c.send('a');\n",
      ).changes;
      expect(change!.after).toContain("import { EnvelopeSocket } from 'nestjs-envelope';");
      expect(change!.after).toContain('(c: EnvelopeSocket)');
    });

    it('leaves a class that overrides what the adapter does', () => {
      const { changes, findings } = ofWs(
        "import { WsAdapter } from '@nestjs/platform-ws';\nexport class Loud extends WsAdapter {\n  create(port: number) {}\n}\n",
      );
      expect(changes).toEqual([]);
      expect(findings).toEqual([
        {
          file: 'src/chat.gateway.ts',
          line: 5,
          reason:
            'create: it overrides a method of WsAdapter that works differently in EnvelopeAdapter. The class is unchanged',
          section: 'docs/migrating-from-ws-adapter.md#subclasses',
        },
      ]);
    });

    it.each([
      "client.on('message', f)",
      "client.once('message', f)",
      "client.addEventListener('message', f)",
    ])('reports %s, which gets no raw messages here', (call) => {
      const { findings } = ofWs(`export const g = (client: any, f: () => void) => ${call};\n`);
      expect(findings.map(({ reason }) => reason)).toEqual([
        expect.stringMatching(/messageParser and client\.ws$/),
      ]);
    });

    it('does not report messages of other emitters', () => {
      const code = [
        'export const redis: any = 1;',
        "export const f = (client: any) => redis.on('message', client.on('close', () => client.ws.on('message', f)));",
      ];
      expect(ofWs(code.join('\n')).findings).toEqual([]);
    });
  });

  describe('options of gateways', () => {
    const main =
      "import { IoAdapter } from '@nestjs/platform-socket.io';\nexport const use = (app) => app.useWebSocketAdapter(new IoAdapter(app));\n";
    const options = (...texts: string[]): string =>
      after(
        main +
          "import { WebSocketGateway } from '@nestjs/websockets';\n" +
          texts.map((text) => `@WebSocketGateway(${text}) class A {}\n`).join(''),
      );

    it.each([
      ["{ path: '/live' }", '()', "path: '/live'"],
      ["3001, { path: '/live' }", '(3001)', "path: '/live'"],
      ["{ path: '/live', cors: true }", '({ cors: true })', "path: '/live'"],
      ["{ cors: true, path: '/live', }", '({ cors: true, })', "path: '/live'"],
      [
        "{ cors: true, transports: ['polling'], upgradeTimeout: 1 }",
        '({ cors: true })',
        "transports: ['polling'], upgradeTimeout: 1",
      ],
      ["{ cookie: true, namespace: 'a', serveClient: false }", "({ namespace: 'a' })", 'cookie: true'],
    ])('%s', (text, gatewayText, transport) => {
      const result = options(text);
      expect(result).toContain(`@WebSocketGateway${gatewayText} class A`);
      expect(result).toContain(`socketIO({ ${transport} })`);
    });

    it('keeps one transport for each path, and that of gateways without one', () => {
      expect(options("{ path: '/a' }", '', "{ path: '/b' }")).toContain(
        "transports: [socketIO(), socketIO({ path: '/a' }), socketIO({ path: '/b' })]",
      );
    });

    it('leaves an option that not all gateways have', () => {
      const result = options("{ transports: ['polling'] }", '{}');
      expect(result).toContain("@WebSocketGateway({ transports: ['polling'] })");
      expect(result).toContain('socketIO()');
    });
  });

  it('reports types of members that are not here', () => {
    const code =
      "import { IoAdapter } from '@nestjs/platform-socket.io';\nexport type O = Parameters<IoAdapter['createIOServer']>;\n";
    expect(reasons(code)).toEqual([
      expect.stringMatching(/^IoAdapter\['createIOServer'\]: EnvelopeAdapter has no/),
    ]);
  });

  it('leaves all of a class that it does not understand', () => {
    const code = filesBefore('left')['src/adapters.ts']!;
    expect(after(code)).toBe(code);
  });

  it('keeps line ends, quotes and semicolons', () => {
    const code =
      'import { NestFactory } from "@nestjs/core"\r\nimport { IoAdapter } from "@nestjs/platform-socket.io"\r\n\r\nexport const start = async () => {\r\n\tconst app = await NestFactory.create(App)\r\n\tapp.useWebSocketAdapter(new IoAdapter(app))\r\n}\r\n';
    expect(after(code)).toBe(
      'import { NestFactory } from "@nestjs/core"\r\nimport { EnvelopeAdapter } from "nestjs-envelope"\r\nimport { socketIO } from "nestjs-envelope/socket.io"\r\n\r\nexport const start = async () => {\r\n\tconst app = await NestFactory.create(App)\r\n\tapp.useWebSocketAdapter(new EnvelopeAdapter(app, {\r\n\t\ttransports: [socketIO()],\r\n\t\treplies: "requests",\r\n\t}))\r\n}\r\n',
    );
  });
});
