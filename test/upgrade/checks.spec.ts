import { WebSocketGateway } from '@nestjs/websockets';
import type { EnvelopeOptions } from '../../lib/index.js';
import { startApp } from '../support/app.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { requestUpgrade, type UpgradeResponse } from '../support/upgrade.js';

@WebSocketGateway({ path: '/ws' })
class PlainGateway {}

async function ask(adapter: EnvelopeOptions): Promise<UpgradeResponse & { errors: string }> {
  const app = await startApp({ providers: [PlainGateway] }, { adapter });
  const answer = await requestUpgrade(app.port, '/ws');
  return { ...answer, errors: app.log.of('error').join() };
}

const throws = (): never => {
  throw new Error('no database');
};

expectNoUnhandledErrors();

describe('verifyClient', () => {
  it('may be asynchronous and return its result', async () => {
    expect((await ask({ verifyClient: (async () => true) as never })).status).toBe(101);
    expect((await ask({ verifyClient: (async () => false) as never })).status).toBe(401);
  });

  it('may return a thenable that resolves to false', async () => {
    const verdict = { then: (settle: (passed: boolean) => void) => settle(false) };
    expect((await ask({ verifyClient: ((_info: unknown) => verdict) as never })).status).toBe(401);
  });

  it.each<[string, EnvelopeOptions]>([
    ['throws', { verifyClient: throws }],
    ['rejects', { verifyClient: (async () => throws()) as never }],
    [
      'rejects, with a callback',
      { verifyClient: (async (_info: unknown, _verdict: unknown) => throws()) as never },
    ],
  ])('answers 500 and logs the error when it %s', async (_name, options) => {
    const { status, body, errors } = await ask(options);
    expect(status).toBe(500);
    expect(body).not.toContain('database');
    expect(errors).toContain('no database');
  });

  it('cannot inject headers through its message', async () => {
    const { status, headers, body } = await ask({
      verifyClient: (_info, verdict) =>
        verdict(false, 418, 'a "b"\r\nX-Injected: 1', { 'X-Reason': 'a\r\nX-Injected: 1' }),
    });
    expect(status).toBe(418);
    expect(headers).not.toHaveProperty('x-injected');
    expect(headers['x-reason']).toContain('a X-Injected');
    expect(JSON.parse(body)).toMatchObject({ statusCode: 418, message: 'a "b"\r\nX-Injected: 1' });
  });
});

describe('allowRequest', () => {
  it.each<[string, EnvelopeOptions, number]>([
    ['accepts', { allowRequest: (_request, callback) => callback(null, true) }, 101],
    ['refuses', { allowRequest: (_request, callback) => callback(null, false) }, 403],
    [
      'refuses later',
      { allowRequest: (_request, callback) => void setImmediate(callback, 'no', false) },
      403,
    ],
    ['throws', { allowRequest: throws }, 500],
    ['rejects', { allowRequest: async () => throws() }, 500],
  ])('%s', async (_name, options, status) => {
    expect((await ask(options)).status).toBe(status);
  });
});
