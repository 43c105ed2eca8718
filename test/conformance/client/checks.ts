import type { Bench } from './bench.js';
import { leaving } from './disconnect.js';
import { returning } from './reconnect.js';
import { ScriptedServer } from './scripted-server.js';
import type { Subject } from './clients.js';
import { talking } from './messages.js';

/** Declares all checks of PROTOCOL.md against a client. */
export function declareChecks(make: () => Subject): void {
  const bench: Bench = {
    server: undefined!,
    subject: undefined!,
    async connect(hello, offset, auth) {
      bench.subject.do({ do: 'connect', url: bench.server.url, ...(auth && { auth }) });
      const visit = await bench.server.visit();
      visit.hello(hello, offset);
      await bench.subject.told('connected');
      return visit;
    },
  };
  beforeEach(async () => {
    bench.server = await ScriptedServer.start();
    bench.subject = make();
  });
  afterEach(async () => {
    await bench.subject?.stop();
    await bench.server.stop();
    expect(bench.server.all.flatMap(({ violations }) => violations)).toEqual([]);
  });

  describe('talks', () => {
    talking(bench);
  });
  describe('leaves', () => {
    leaving(bench);
  });
  describe('comes back', () => {
    returning(bench);
  });
}
