import { mkdtempSync, rmSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConnectedSocket, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { EnvelopeSocket, type TrustProxy } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { fakeAddresses } from '../support/fake-addresses.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { requestUpgrade } from '../support/upgrade.js';

interface AddressInfo {
  ip: string;
  address: string;
  remote: string;
  secure: boolean;
}

@WebSocketGateway({ path: '/ws' })
class AddressGateway {
  @SubscribeMessage('address')
  address(@ConnectedSocket() client: EnvelopeSocket): AddressInfo {
    const { address, secure } = client.handshake;
    return { ip: client.ip, address, remote: client.conn.remoteAddress, secure };
  }
}

const start = (trustProxy?: TrustProxy, listen?: { path: string } | { host: string; port: number }) =>
  startApp(
    { providers: [AddressGateway] },
    { adapter: trustProxy === undefined ? {} : { trustProxy }, ...(listen && { listen }) },
  );

type Headers = Record<string, string>;

/** Connects with these headers from the given address, and returns what the server sees. */
async function connectAndRead(app: TestApp, headers: Headers = {}, peer?: string): Promise<AddressInfo> {
  if (peer !== undefined) fakeAddresses(app, peer);
  const client = await app.connect('/ws', { headers });
  return (await client.ask('address')).data as AddressInfo;
}

/** Returns the address, and checks that all its properties agree. */
async function ipOf(app: TestApp, forwardedFor: string | undefined, peer?: string): Promise<string> {
  const headers: Headers = forwardedFor === undefined ? {} : { 'X-Forwarded-For': forwardedFor };
  const { ip, address, remote } = await connectAndRead(app, headers, peer);
  expect([address, remote]).toEqual([ip, ip]);
  return ip;
}

const CLIENT = '198.51.100.7';
const FORGED = '203.0.113.66';

/** A container may have no IPv6 at all. */
const hasIPv6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === '::1'),
);
if (!hasIPv6) process.stderr.write('No IPv6 on this machine: its test is skipped\n');
const withIPv6 = hasIPv6 ? it : it.skip;

expectNoUnhandledErrors();

describe('the address of a client', () => {
  it('is the address of the connection without a trusted proxy, whatever the headers contain', async () => {
    for (const trustProxy of [undefined, false, 0, []] as const) {
      const app = await start(trustProxy);
      for (const forged of [undefined, FORGED, `${FORGED}, 127.0.0.1`, '', ', ,', 'x'.repeat(5_000)])
        expect(await ipOf(app, forged)).toBe('127.0.0.1');
      expect(await ipOf(app, FORGED, CLIENT)).toBe(CLIENT);
    }
  });

  const forms: [string, TrustProxy][] = [
    ['true', true],
    ['a number', 1],
    ['a name', 'loopback'],
    ['an address', '127.0.0.1'],
    ['a network', '127.0.0.0/8'],
    ['a network with a mask', '127.0.0.0/255.0.0.0'],
    ['several with commas', '10.0.0.0/8, loopback'],
    ['a list', ['10.0.0.0/8', '127.0.0.1']],
    ['an address written as IPv6', '::ffff:127.0.0.1'],
    ['a function', (address) => address === '127.0.0.1'],
  ];
  it.each(forms)('is the forwarded one from a trusted proxy: %s', async (_name, trustProxy) => {
    const app = await start(trustProxy);
    expect(await ipOf(app, CLIENT)).toBe(CLIENT);
    expect(await ipOf(app, '2001:db8::7')).toBe('2001:db8::7');
    expect(await ipOf(app, undefined)).toBe('127.0.0.1');
  });

  const namedForms = forms.filter(([, form]) => form !== true && form !== 1);
  it.each(namedForms)('is the address of the connection from other peers: %s', async (_name, trustProxy) => {
    expect(await ipOf(await start(trustProxy), FORGED, CLIENT)).toBe(CLIENT);
  });

  it('is the last one that is not a trusted proxy', async () => {
    const app = await start(['loopback', '10.0.0.0/8']);
    expect(await ipOf(app, `${FORGED}, ${CLIENT}`)).toBe(CLIENT);
    expect(await ipOf(app, `${FORGED}, ${CLIENT}, 10.0.0.1, 10.0.0.2`)).toBe(CLIENT);
    expect(await ipOf(app, '10.0.0.9, 10.0.0.1')).toBe('10.0.0.9');
    expect(await ipOf(app, `10.0.0.1, ${CLIENT}, 10.0.0.1, ::ffff:10.0.0.2`)).toBe(CLIENT);
  });

  it.each([
    [0, '127.0.0.1'],
    [1, '10.0.0.1'],
    [2, CLIENT],
    [3, FORGED],
    [9, FORGED],
  ])('counts back the number of hops: %i', async (hops, address) => {
    expect(await ipOf(await start(hops), `${FORGED}, ${CLIENT}, 10.0.0.1`)).toBe(address);
  });

  it('is decided hop by hop by a function', async () => {
    const calls: [string, number][] = [];
    const trust = (address: string, hop: number): boolean => {
      calls.push([address, hop]);
      return hop < 2;
    };
    expect(await ipOf(await start(trust), `${FORGED}, ${CLIENT}, 10.0.0.1`)).toBe(CLIENT);
    expect(calls).toEqual(expect.arrayContaining([['127.0.0.1', 0], ['10.0.0.1', 1]])); // prettier-ignore
    expect(calls.map(([, hop]) => hop)).not.toContain(3);
  });

  it('is parsed with a port and in brackets', async () => {
    const app = await start('loopback');
    expect(await ipOf(app, `${CLIENT}:51234`)).toBe(CLIENT);
    expect(await ipOf(app, '[2001:db8::7]:51234')).toBe('2001:db8::7');
    expect(await ipOf(app, '[2001:db8::7]')).toBe('2001:db8::7');
  });

  it('is empty when a trusted proxy sends no valid address', async () => {
    const app = await start('loopback');
    for (const text of ['unknown', '_hidden', '<script>', '1', '999.1.1.1', '1'.repeat(5_000), `${CLIENT}:x`])
      expect(await ipOf(app, text)).toBe('');
  });

  withIPv6('is parsed on connections over IPv6, and over IPv4 to a dual-stack server', async () => {
    const app = await start('loopback', { host: '::', port: 0 });
    expect(await ipOf(app, CLIENT)).toBe(CLIENT);
    expect(await ipOf(app, undefined)).toBe('::ffff:127.0.0.1');
    const client = new TestClient(`ws://[::1]:${app.port}/ws`, { headers: { 'X-Forwarded-For': CLIENT } });
    await client.opened();
    expect((await client.ask('address')).data).toMatchObject({ ip: CLIENT });
    client.close();
    await client.ended();
    expect(await ipOf(app, FORGED, '2001:db8::7')).toBe('2001:db8::7');
  });

  it('is the forwarded one over a Unix domain socket that a function trusts', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'envelope-'));
    try {
      const path = join(folder, 'app.sock');
      const app = await start((address) => address === '' || address.startsWith('10.'), { path });
      const client = new TestClient(`ws+unix://${path}:/ws`, {
        headers: { 'X-Forwarded-For': `${CLIENT}, 10.0.0.1` },
      });
      await client.opened();
      expect((await client.ask('address')).data).toMatchObject({ ip: CLIENT });
      client.close();
      await client.ended();
      await app.close();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('handshake.secure', () => {
  it.each([
    ['https', true],
    ['HTTPS', true],
    ['wss', true],
    ['https, http', true],
    ['http', false],
    ['http, https', false],
    ['', false],
    ['nonsense', false],
  ])('is what a trusted proxy sends: %s', async (proto, secure) => {
    const headers = { 'X-Forwarded-Proto': proto };
    expect(await connectAndRead(await start('loopback'), headers)).toMatchObject({ secure });
    expect(await connectAndRead(await start(), headers)).toMatchObject({ secure: false });
    expect(await connectAndRead(await start('loopback'), headers, CLIENT)).toMatchObject({ secure: false });
  });
});

describe('the own origin', () => {
  const upgradeStatus = async (app: TestApp, headers: Headers, peer = '127.0.0.1'): Promise<number> => {
    fakeAddresses(app, peer);
    return (await requestUpgrade(app.port, '/ws', headers)).status;
  };
  const page = { Origin: 'https://chat.example', 'X-Forwarded-Host': 'chat.example' };

  it('has the host that a trusted proxy forwards', async () => {
    const app = await start('loopback');
    expect(await upgradeStatus(app, page)).toBe(101);
    expect(await upgradeStatus(app, { ...page, 'X-Forwarded-Host': 'chat.example:443' })).toBe(101);
    expect(await upgradeStatus(app, { ...page, 'X-Forwarded-Host': 'chat.example, inner.example' })).toBe(
      101,
    );
    expect(await upgradeStatus(app, { ...page, 'X-Forwarded-Host': 'inner.example, chat.example' })).toBe(
      403,
    );
    expect(await upgradeStatus(app, { ...page, 'X-Forwarded-Host': 'chat.example:8443' })).toBe(403);
    expect(await upgradeStatus(app, { Origin: `http://127.0.0.1:${app.port}` })).toBe(101);
    expect(await upgradeStatus(app, { ...page, 'X-Forwarded-Host': '' })).toBe(403);
  });

  it('has the scheme that a trusted proxy forwards', async () => {
    const app = await start('loopback');
    expect(await upgradeStatus(app, { ...page, 'X-Forwarded-Proto': 'https' })).toBe(101);
    expect(await upgradeStatus(app, { ...page, 'X-Forwarded-Proto': 'http' })).toBe(403);
    const plain = { ...page, Origin: 'http://chat.example' };
    expect(await upgradeStatus(app, { ...plain, 'X-Forwarded-Proto': 'http' })).toBe(101);
    expect(await upgradeStatus(app, { ...plain, 'X-Forwarded-Proto': 'https' })).toBe(403);
  });

  it('ignores forwarded headers of other peers', async () => {
    expect(await upgradeStatus(await start(), page)).toBe(403);
    expect(await upgradeStatus(await start('10.0.0.0/8'), page)).toBe(403);
    expect(await upgradeStatus(await start('loopback'), page, CLIENT)).toBe(403);
  });
});

describe('the option trustProxy', () => {
  it.each([
    ['a word that is not an address', 'garbage'],
    ['an empty string', ''],
    ['a number as a string', '1'],
    ['a network with too many bits', '10.0.0.0/99'],
    ['a list with one invalid entry', ['loopback', '10.0.0.0/x']],
    ['a string with one invalid entry', 'loopback, 10.0.0.256'],
    ['a negative number of hops', -1],
    ['NaN', Number.NaN],
    ['a fraction of a hop', 1.5],
    ['null', null as never],
    ['an object', {} as never],
    ['a list of numbers', [1] as never],
  ])('refuses an invalid value at startup: %s', async (_name, trustProxy: TrustProxy) => {
    await expect(start(trustProxy)).rejects.toThrow(
      /The option trustProxy of EnvelopeAdapter is .+It takes/s,
    );
  });

  it('answers 500 when its function throws, and keeps serving clients', async () => {
    const app = await start((address, hop) => {
      if (hop === 1) throw new Error('no database');
      return true;
    });
    const { status, body } = await requestUpgrade(app.port, '/ws', {
      'X-Forwarded-For': `${CLIENT}, ${CLIENT}`,
    });
    expect(status).toBe(500);
    expect(body).not.toContain('database');
    expect(app.log.of('error').join()).toContain('no database');
    expect(await ipOf(app, undefined)).toBe('127.0.0.1');
  });
});
