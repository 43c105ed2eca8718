import { observe, type AuditRecord } from '../../lib/index.js';
import { Bus } from '../support/bus.js';
import { Admin, connectMember, startConsole } from './console-fixture.js';
import { waitLong } from './patience.js';

describe('an action that another node does, and does not answer', () => {
  it('is published on the channel audit, because it may have been done', async () => {
    const bus = new Bus();
    const options = { adapter: { adapter: bus.adapter } };
    const [here, there] = [await startConsole({}, options), await startConsole({}, options)];
    const admin = await Admin.connect(here);
    const patience = waitLong();
    const { client, id } = await connectMember(there);
    const { rows } = await admin.ask('connections', {});
    patience.mockRestore();
    const { node } = rows.find((row) => row.id === id)!;
    const records: AuditRecord[] = [];
    const stop = observe('audit', (record) => records.push(record));
    bus.loses = (text) => text.includes('console:tell');
    try {
      expect(await admin.refusal('disconnectClient', { node, id })).toMatchObject({ code: 'silent' });
    } finally {
      stop();
      bus.loses = () => false;
    }
    expect((await client.ended()).code).toBe(1000);
    const details = { address: '127.0.0.1', answered: false };
    expect(records).toEqual([
      expect.objectContaining({ action: 'disconnect', by: 'ada', target: id, details }),
    ]);
    const { entries } = await admin.ask('audit');
    expect(entries.map(({ by, outcome }) => [by, outcome])).toContainEqual(['ada', 'failed']);
    expect(entries.map(({ outcome }) => outcome)).not.toContain('done');
    expect(here.log.of('warn').join()).not.toContain('was not done');
  });
});
