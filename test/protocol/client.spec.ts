import type { Bench } from './client/bench.js';
import { leaving } from './client/leaving.js';
import { returning } from './client/returning.js';
import { ScriptedServer } from './client/scripted-server.js';
import { SUBJECTS } from './client/subjects.js';
import { talking } from './client/talking.js';

declare const NEST_MAJOR: 11 | 12;

// who knows nothing of Nest is the same on both majors
const subjects = SUBJECTS.filter(({ isOurs }) => isOurs || NEST_MAJOR === 12);

describe.each(subjects)('PROTOCOL.md and a client: $name', ({ describe: describeSubject, make }) => {
  describeSubject('a scripted server', () => {
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
  });
});
