import {
  Catch,
  ForbiddenException,
  UseFilters,
  type ArgumentsHost,
  type ExceptionFilter,
} from '@nestjs/common';
import { BaseWsExceptionFilter, SubscribeMessage, WebSocketGateway, WsException } from '@nestjs/websockets';
import { EnvelopeSocket } from '../../lib/index.js';
import { startApp } from '../support/app.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { until } from '../support/wait.js';

const failures = {
  ws: () => new WsException('not you'),
  object: () => new WsException({ code: 'E_NO' }),
  http: () => new ForbiddenException('members only'),
  unknown: () => new Error('secret'),
  nothing: () => undefined,
  string: () => 'secret',
} as const;
type Failure = keyof typeof failures;

const failureOf = (client: EnvelopeSocket) => failures[client.handshake.query['how'] as Failure]();

class RecordingGateway {
  readonly disconnects: unknown[][] = [];
  handled = 0;
  handleDisconnect(client: EnvelopeSocket, reason: string): void {
    this.disconnects.push([reason, client.closed]);
  }
  @SubscribeMessage('note')
  note(): void {
    this.handled++;
  }
}

@WebSocketGateway({ path: '/sync' })
class ThrowingGateway extends RecordingGateway {
  handleConnection(client: EnvelopeSocket): void {
    throw failureOf(client);
  }
}

@WebSocketGateway({ path: '/async' })
class RejectingGateway extends RecordingGateway {
  async handleConnection(client: EnvelopeSocket): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    throw failureOf(client);
  }
}

@WebSocketGateway({ path: '/hang', connectTimeout: 100 })
class HangingGateway extends RecordingGateway {
  handleConnection(): Promise<void> {
    return new Promise(() => undefined);
  }
}

@Catch(WsException)
class CustomFilter implements ExceptionFilter {
  catch(error: WsException, host: ArgumentsHost): void {
    const ws = host.switchToWs();
    ws.getClient<EnvelopeSocket>().emit('exception', {
      sorry: error.message,
      pattern: ws.getPattern(),
      data: ws.getData(),
    });
  }
}

@Catch()
class LateFilter implements ExceptionFilter {
  async catch(_: unknown, host: ArgumentsHost): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    host.switchToWs().getClient<EnvelopeSocket>().emit('exception', { late: true });
  }
}

@Catch()
class BrokenFilter implements ExceptionFilter {
  async catch(): Promise<void> {
    throw new Error('the filter itself');
  }
}

class RefusingGateway {
  handleConnection(client: EnvelopeSocket): void {
    throw failureOf(client);
  }
}

@UseFilters(CustomFilter)
@WebSocketGateway({ path: '/custom' })
class CustomGateway extends RefusingGateway {}

@UseFilters(new CustomFilter())
@WebSocketGateway({ path: '/method' })
class MethodGateway {
  @UseFilters(new LateFilter())
  async handleConnection(client: EnvelopeSocket): Promise<void> {
    throw failureOf(client);
  }
}

@UseFilters(new BaseWsExceptionFilter())
@WebSocketGateway({ path: '/base' })
class BaseGateway extends RefusingGateway {}

@UseFilters(new BrokenFilter())
@WebSocketGateway({ path: '/broken' })
class BrokenGateway extends RefusingGateway {}

expectNoUnhandledErrors();

describe('a failing handleConnection', () => {
  const status = 'error';
  const internal = { status, message: 'Internal server error' };
  const expected: [Failure, object, { code: number; reason: string }][] = [
    ['ws', { status, message: 'not you' }, { code: 1008, reason: 'not you' }],
    ['object', { code: 'E_NO' }, { code: 1008, reason: expect.any(String) as unknown as string }],
    [
      'http',
      { status, statusCode: 403, message: 'members only', error: 'Forbidden' },
      { code: 1008, reason: 'members only' },
    ],
    ['unknown', internal, { code: 1011, reason: 'Internal server error' }],
    ['nothing', internal, { code: 1011, reason: 'Internal server error' }],
    ['string', internal, { code: 1011, reason: 'Internal server error' }],
  ];

  describe.each([
    ['sync', ThrowingGateway],
    ['async', RejectingGateway],
  ])('%s', (path, type) => {
    it.each(expected)('closes the connection with a suitable code after %s', async (how, data, end) => {
      const app = await startApp({ providers: [type] });
      const gateway = app.nest.get<RecordingGateway>(type);
      const client = await app.connect(`/${path}?how=${how}&token=t0ken`, { headers: { cookie: 'c=t0ken' } });
      if (client.ws.readyState === client.ws.OPEN) client.send({ event: 'note', id: 1 });
      expect(await client.ended()).toEqual(end);
      expect(client.frames).toEqual([{ event: 'exception', data }]);
      await until('handleDisconnect', () => gateway.disconnects.length > 0);
      expect(gateway.disconnects).toEqual([
        ['server namespace disconnect', { ...end, wasClean: true, initiator: 'server' }],
      ]);
      expect(gateway.handled).toBe(0);
      const isUnknown = end.code === 1011;
      expect(app.log.of('error')).toHaveLength(isUnknown ? 1 : 0);
      // The client receives no data of the upgrade request and no internal error, and the log contains no token.
      expect(JSON.stringify([client.frames, client.closed])).not.toMatch(/secret|t0ken/);
      expect(app.log.of('error').join()).not.toContain('t0ken');
    });
  });

  it('closes the connection after connectTimeout if it never settles', async () => {
    const app = await startApp({ providers: [HangingGateway] });
    const gateway = app.nest.get(HangingGateway);
    const client = await app.connect('/hang');
    client.send({ event: 'note' });
    expect(await client.ended()).toEqual({ code: 1011, reason: 'connectTimeout' });
    await until('handleDisconnect', () => gateway.disconnects.length > 0);
    expect([gateway.disconnects.length, gateway.handled]).toEqual([1, 0]);
    expect(app.log.of('error')).toEqual([expect.stringContaining('connectTimeout')]);
  });

  it('uses the connectTimeout of the adapter', async () => {
    @WebSocketGateway({ path: '/hang' })
    class Hanging {
      handleConnection(): Promise<void> {
        return new Promise(() => undefined);
      }
    }
    const app = await startApp({ providers: [Hanging] }, { adapter: { connectTimeout: 50 } });
    expect((await (await app.connect('/hang')).ended()).code).toBe(1011);
  });

  it.each([
    ['/custom?how=ws', [{ sorry: 'not you', pattern: 'handleConnection', data: {} }], 1008, 0],
    ['/custom?how=unknown', [internal], 1011, 1],
    ['/method?how=ws', [{ late: true }], 1008, 0],
    ['/broken?how=ws', [], 1008, 1],
  ])('uses the filters of the gateway: %s', async (url, data, code, logged) => {
    const app = await startApp({ providers: [CustomGateway, MethodGateway, BrokenGateway] });
    const client = await app.connect(url);
    expect((await client.ended()).code).toBe(code);
    expect(client.frames).toEqual(data.map((payload) => ({ event: 'exception', data: payload })));
    expect(app.log.of('error')).toHaveLength(logged);
  });

  it('uses the filter of Nest and does not show data of the upgrade request', async () => {
    const app = await startApp({ providers: [BaseGateway] });
    const client = await app.connect('/base?how=ws&token=t0ken', { headers: { cookie: 'c=t0ken' } });
    expect((await client.ended()).code).toBe(1008);
    expect(client.frames).toEqual([
      {
        event: 'exception',
        data: { status, message: 'not you', cause: { pattern: 'handleConnection', data: {} } },
      },
    ]);
  });

  it('disconnects the client from all gateways of the path', async () => {
    const app = await startApp({ providers: [ThrowingGateway, OtherGateway] });
    const other = app.nest.get(OtherGateway);
    expect((await (await app.connect('/sync?how=ws')).ended()).code).toBe(1008);
    await until('handleDisconnect', () => other.disconnects.length > 0);
    expect(other.disconnects).toHaveLength(1);
  });
});

@WebSocketGateway({ path: '/sync' })
class OtherGateway extends RecordingGateway {
  async handleConnection(): Promise<void> {}
}
