import * as common from '@nestjs/common';
import * as websockets from '@nestjs/websockets';
import { EnvelopeServer, EnvelopeSocket } from '../../lib/index.js';
import { startApp } from '../support/app.js';
import { SecondCopy } from '../support/second-copy.js';

type Common = typeof common;
type Websockets = typeof websockets;

let copy: SecondCopy;
let theirs: { common: Common; websockets: Websockets };

beforeAll(async () => {
  copy = await SecondCopy.of(['@nestjs/common', '@nestjs/websockets']);
  theirs = {
    common: await copy.load<Common>('@nestjs/common'),
    websockets: await copy.load<Websockets>('@nestjs/websockets'),
  };
});
afterAll(() => copy.remove());

/** Returns a gateway that uses only the second copy of Nest. It throws the error from `failure`. */
function gatewayOf(failure: () => unknown): common.Type {
  const { UseGuards } = theirs.common;
  const { SubscribeMessage, WebSocketGateway } = theirs.websockets;
  const guard: common.CanActivate = {
    canActivate(context: common.ExecutionContext): boolean {
      const client = context.switchToWs().getClient<EnvelopeSocket>();
      if (client.handshake.query['token'] === 'none') throw failure();
      return true;
    },
  };
  @UseGuards(guard)
  @WebSocketGateway({ path: '/ws' })
  class TheirGateway {
    @SubscribeMessage('fail')
    fail(): never {
      throw failure();
    }
    handleConnection(client: EnvelopeSocket): void {
      if (client.handshake.query['token'] === 'late') throw failure();
    }
  }
  return TheirGateway;
}

/** An error of another library with methods of the same names. */
class UpstreamError extends Error {
  getStatus(): number {
    return 403;
  }
  getResponse(): string {
    return 'secret of another service';
  }
  getError(): string {
    return 'secret of another service';
  }
}

describe('exceptions of a second copy of @nestjs/common and @nestjs/websockets', () => {
  it('are of different classes', () => {
    expect(new theirs.common.HttpException('no', 400)).not.toBeInstanceOf(common.HttpException);
    expect(new theirs.websockets.WsException('no')).not.toBeInstanceOf(websockets.WsException);
  });

  it('sets the status, the payload and close code 1008 from an HttpException', async () => {
    const app = await startApp({
      providers: [gatewayOf(() => new theirs.common.UnauthorizedException('not you'))],
    });
    await expect(app.connect('/ws?token=none')).rejects.toThrow('401');
    const client = await app.connect('/ws');
    const data = { status: 'error', statusCode: 401, message: 'not you', error: 'Unauthorized' };
    expect(await client.ask('fail', 1, 'x')).toEqual({ event: 'exception', data, ack: 'x' });
    const late = await app.connect('/ws?token=late');
    expect((await late.next('exception')).data).toEqual(data);
    expect(await late.ended()).toEqual({ code: 1008, reason: 'not you' });
    expect(app.log.of('error')).toEqual([]);
  });

  it('sets the status 401, the payload and close code 1008 from a WsException', async () => {
    class Banned extends theirs.websockets.WsException {}
    const app = await startApp({ providers: [gatewayOf(() => new Banned('no'))] });
    await expect(app.connect('/ws?token=none')).rejects.toThrow('401');
    const client = await app.connect('/ws');
    const cause = { pattern: 'fail', data: 1 };
    expect((await client.ask('fail', 1)).data).toEqual({ status: 'error', message: 'no', cause });
    const late = await app.connect('/ws?token=late');
    expect((await late.ended()).code).toBe(1008);
    expect(app.log.of('error')).toEqual([]);
  });

  it('work in listeners and middlewares of a client', async () => {
    const app = await startApp({ providers: [gatewayOf(() => undefined)] });
    const client = await app.connect('/ws');
    await client.settled();
    const server = app.adapter.create(0, { path: '/ws' }) as EnvelopeServer;
    const [socket] = server.sockets.values();
    socket!.on('listener', () => {
      throw new theirs.common.ForbiddenException('not this');
    });
    expect((await client.ask('listener')).data).toMatchObject({ statusCode: 403, message: 'not this' });
  });

  it('do not include errors of other libraries with the same methods', async () => {
    const app = await startApp({ providers: [gatewayOf(() => new UpstreamError('secret'))] });
    await expect(app.connect('/ws?token=none')).rejects.toThrow('500');
    const client = await app.connect('/ws');
    expect((await client.ask('fail', 1)).data.message).toBe('Internal server error');
    expect(JSON.stringify(client.frames)).not.toContain('secret');
  });
});
