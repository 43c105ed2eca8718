import type { TestApp } from '../support/app.js';
import { SUBJECTS, type Report, type Subject } from './client/clients.js';
import { startFixture } from './fixture.js';

/** Of a request. */
const ENDS = ['answer', 'failed'];

describe.each(SUBJECTS)('PROTOCOL.md: our own server and $name', ({ describe: describeSubject, make }) => {
  describeSubject('together', () => {
    let app: TestApp;
    let subject: Subject;
    beforeAll(async () => {
      app = await startFixture();
    });
    afterAll(() => app.close());
    beforeEach(async () => {
      subject = make();
    });
    afterEach(() => subject?.stop());

    const connect = (): Promise<Report> => {
      subject.do({ do: 'connect', url: app.url('/protocol') });
      return subject.told('connected');
    };
    const ask = (
      event: string,
      data?: unknown,
      key = `${event} ${JSON.stringify(data)}`,
    ): Promise<Report> => {
      subject.do({ do: 'ask', key, event, ...(data !== undefined && { data }) });
      return subject.reports.take((report) => report.key === key && ENDS.includes(report.tell));
    };

    it('talk', async () => {
      expect(await connect()).toMatchObject({ recovered: false, id: expect.any(String) });
      const text = '€𝄞'.repeat(20_000);
      expect((await ask('echo', { text })).data).toEqual({ text });
      expect(await ask('nothing')).not.toHaveProperty('data');
      for (let data = 0; data < 50; data++) subject.do({ do: 'emit', event: 'tell', data });
      for (let data = 0; data < 50; data++)
        expect(await subject.told('event')).toMatchObject({ event: 'told', data });
      expect(await ask('fail', 'no')).toMatchObject({ tell: 'failed', data: { message: 'no' } });
      expect(await ask('what?')).toMatchObject({ tell: 'failed', data: { code: 'unknown_event' } });
      expect((await ask('ask', 'well?')).data).toBe('well?');
    });

    it('stream', async () => {
      await connect();
      subject.do({ do: 'stream', key: 's', event: 'count', data: 3 });
      for (const data of [0, 1, 2]) expect(await subject.told('value', 's')).toMatchObject({ data });
      await subject.told('end', 's');
      const tag = `of ${Math.random()}`;
      subject.do({ do: 'stream', key: 'e', event: 'endless', data: tag });
      expect(await subject.told('value', 'e')).toMatchObject({ data: 0 });
      expect((await ask('sources', tag, 'before')).data).toBe(1);
      subject.do({ do: 'cancel', key: 'e' });
      await subject.told('end', 'e');
      expect((await ask('sources', tag, 'after')).data).toBe(0);
    });

    it('meet again, and nothing is missed', async () => {
      const { id } = await connect();
      for (let round = 0; round < 3; round++) {
        subject.do({ do: 'emit', event: 'tell', data: `before ${round}` });
        expect(await subject.told('event')).toMatchObject({ data: `before ${round}` });
        subject.do({ do: 'emit', event: 'cut', data: `meanwhile ${round}` });
        expect(await subject.told('closed')).toMatchObject({ code: 1006, returns: true });
        expect(await subject.told('connected')).toMatchObject({ recovered: true, id });
        expect(await subject.told('event')).toMatchObject({ data: `meanwhile ${round}` });
      }
    });

    it('part', async () => {
      await connect();
      subject.do({ do: 'emit', event: 'goodbye' });
      expect(await subject.told('closed')).toMatchObject({ code: 1000, returns: false });
    });

    it('do not come together where a guard says no', async () => {
      const url = app.url('/protocol/guarded');
      subject.do({ do: 'connect', url, auth: { token: 'bad' } });
      expect(await subject.told('closed')).toMatchObject({ status: 403, returns: false });
      subject.do({ do: 'connect', url, auth: { token: 'good ü' } });
      await subject.told('connected');
      expect((await ask('token')).data).toBe('good ü');
      subject.do({ do: 'disconnect' });
      await subject.told('closed');
    });
  });
});
