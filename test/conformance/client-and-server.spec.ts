import type { TestApp } from '../support/app.js';
import type { ClientUnderTest, Report } from '../../lib/conformance/client/client-under-test.js';
import { CLIENTS } from './clients.js';
import { startFixture } from './fixture.js';
import { REFERENCE_CLIENTS } from './reference-clients.js';

declare const NEST_MAJOR: 11 | 12;

/** The reports that end a request. */
const ENDS = ['answer', 'failed'];

// these have no Nest in them
const others = NEST_MAJOR === 12 ? REFERENCE_CLIENTS : [];

describe.each([...CLIENTS, ...others])('PROTOCOL.md: $name', ({ describe: describeClient, make }) => {
  describeClient('our own server', () => {
    let app: TestApp;
    let client: ClientUnderTest;
    beforeAll(async () => {
      app = await startFixture();
    });
    afterAll(() => app.close());
    beforeEach(async () => {
      client = make();
    });
    afterEach(() => client?.stop());

    const connect = (): Promise<Report> => {
      client.do({ do: 'connect', url: app.url('/protocol') });
      return client.reports.next('connected');
    };
    const ask = (
      event: string,
      data?: unknown,
      key = `${event} ${JSON.stringify(data)}`,
    ): Promise<Report> => {
      client.do({ do: 'ask', key, event, ...(data !== undefined && { data }) });
      return client.reports.take((report) => report.key === key && ENDS.includes(report.tell));
    };

    it('exchanges events and requests', async () => {
      expect(await connect()).toMatchObject({ recovered: false, id: expect.any(String) });
      const text = '€𝄞'.repeat(20_000);
      expect((await ask('echo', { text })).data).toEqual({ text });
      expect(await ask('nothing')).not.toHaveProperty('data');
      for (let data = 0; data < 50; data++) client.do({ do: 'emit', event: 'tell', data });
      for (let data = 0; data < 50; data++)
        expect(await client.reports.next('event')).toMatchObject({ event: 'told', data });
      expect(await ask('fail', 'no')).toMatchObject({ tell: 'failed', data: { message: 'no' } });
      expect(await ask('what?')).toMatchObject({ tell: 'failed', data: { code: 'unknown_event' } });
      expect((await ask('ask', 'well?')).data).toBe('well?');
    });

    it('reads and cancels streams', async () => {
      await connect();
      client.do({ do: 'stream', key: 's', event: 'count', data: 3 });
      for (const data of [0, 1, 2]) expect(await client.reports.next('value', 's')).toMatchObject({ data });
      await client.reports.next('end', 's');
      const tag = `of ${Math.random()}`;
      client.do({ do: 'stream', key: 'e', event: 'endless', data: tag });
      expect(await client.reports.next('value', 'e')).toMatchObject({ data: 0 });
      expect((await ask('sources', tag, 'before')).data).toBe(1);
      client.do({ do: 'cancel', key: 'e' });
      await client.reports.next('end', 'e');
      expect((await ask('sources', tag, 'after')).data).toBe(0);
    });

    it('reconnects without losing a message', async () => {
      const { id } = await connect();
      for (let round = 0; round < 3; round++) {
        client.do({ do: 'emit', event: 'tell', data: `before ${round}` });
        expect(await client.reports.next('event')).toMatchObject({ data: `before ${round}` });
        client.do({ do: 'emit', event: 'cut', data: `meanwhile ${round}` });
        expect(await client.reports.next('closed')).toMatchObject({ code: 1006, returns: true });
        expect(await client.reports.next('connected')).toMatchObject({ recovered: true, id });
        expect(await client.reports.next('event')).toMatchObject({ data: `meanwhile ${round}` });
      }
    });

    it('does not reconnect after a disconnect by the server', async () => {
      await connect();
      client.do({ do: 'emit', event: 'goodbye' });
      expect(await client.reports.next('closed')).toMatchObject({ code: 1000, returns: false });
    });

    it('connects only with a token that the guard accepts', async () => {
      const url = app.url('/protocol/guarded');
      client.do({ do: 'connect', url, auth: { token: 'bad' } });
      expect(await client.reports.next('closed')).toMatchObject({ status: 403, returns: false });
      client.do({ do: 'connect', url, auth: { token: 'good ü' } });
      await client.reports.next('connected');
      expect((await ask('token')).data).toBe('good ü');
      client.do({ do: 'disconnect' });
      await client.reports.next('closed');
    });
  });
});
