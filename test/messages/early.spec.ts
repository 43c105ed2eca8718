import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import type { EnvelopeSocket } from '../../lib/index.js';
import { clientFrame, OP } from '../support/raw-client.js';
import { underAttack } from '../support/attack-harness.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { deferred, until } from '../support/wait.js';

@WebSocketGateway({ path: '/ws' })
class EarlyGateway {
  /** The promise that `handleConnection` waits for. */
  gate: Promise<void> | undefined;
  readonly handled: unknown[] = [];
  readonly clients: EnvelopeSocket[] = [];
  readonly reasons: unknown[] = [];
  /** Whether `handleConnection` has settled. */
  isReady = true;
  pausesClient = false;
  /** Whether `handleConnection` sends a request to the client and waits for the answer. */
  requestsClient = false;
  readonly answers: unknown[] = [];

  async handleConnection(client: EnvelopeSocket): Promise<void> {
    this.clients.push(client);
    if (this.pausesClient) client.pause();
    if (this.requestsClient) this.answers.push(await client.emitWithAck('identify yourself'));
    if (this.gate === undefined) return;
    this.isReady = false;
    await this.gate;
    this.isReady = true;
  }
  handleDisconnect(_client: EnvelopeSocket, reason?: string): void {
    this.reasons.push(reason);
  }
  @SubscribeMessage('echo')
  echo(@MessageBody() data: unknown): unknown {
    return data;
  }
  @SubscribeMessage('see')
  handleEvent(@MessageBody() data: unknown): unknown {
    this.handled.push(this.isReady ? data : 'too early');
    return data;
  }
}

const attack = underAttack(EarlyGateway);
const handleEvent = (data: unknown): string => JSON.stringify({ event: 'see', data });
const NUMBERS = Array.from({ length: 1_000 }, (_, i) => i);

describe('messages before handleConnection has settled', () => {
  expectNoUnhandledErrors();

  it(
    'are handled in order once it has settled',
    attack(async ({ raw, gateway, expectServed }) => {
      const gate = deferred();
      const connectedBefore = gateway.clients.length;
      gateway.gate = gate.promise;
      const client = await raw();
      client.send(
        Buffer.concat(NUMBERS.map((i) => clientFrame({ opcode: OP.text, payload: handleEvent(i) }))),
      );
      await until('handleConnection', () => gateway.clients.length > connectedBefore);
      // The server stops reading at some point.
      await until('a pause', () => gateway.clients.at(-1)!.isPaused);
      await expectServed();
      expect(gateway.handled).toEqual([]);
      gate.resolve();
      for (const i of NUMBERS) expect(await client.message()).toBe(handleEvent(i));
      expect(gateway.handled).toEqual(NUMBERS);
      expect(gateway.clients.at(-1)!.isPaused).toBe(false);
    }),
  );

  it(
    'do not fill the memory when they are large',
    // The client shares the server's thread, and receives 27 MB of answers: its reading speed is not the subject.
    underAttack(EarlyGateway, { limits: { maxBufferedBytes: false } })(
      async ({ raw, gateway, expectServed }) => {
        const gate = deferred();
        gateway.gate = gate.promise;
        const client = await raw();
        const big = 'x'.repeat(900_000);
        const frame = clientFrame({ opcode: OP.text, payload: handleEvent(big) });
        for (let i = 0; i < 30; i++) client.send(frame);
        await until('a pause', () => gateway.clients.at(-1)!.isPaused);
        await expectServed();
        expect(gateway.clients.at(-1)!.request.socket.bytesRead).toBeLessThan(3_000_000);
        gate.resolve();
        for (let i = 0; i < 30; i++) expect((await client.message()).length).toBe(handleEvent(big).length);
        expect(gateway.handled).toHaveLength(30);
      },
    ),
  );

  it(
    'stay unhandled while the gateway itself has paused the connection',
    attack(async ({ raw, gateway, expectServed }) => {
      gateway.pausesClient = true;
      const client = await raw();
      client.text(handleEvent('later'));
      await expectServed();
      await expectServed();
      expect(gateway.handled).toEqual([]);
      gateway.clients.at(-1)!.resume();
      expect(await client.message()).toBe(handleEvent('later'));
    }),
  );

  it(
    'can be answers that handleConnection waits for',
    attack(async ({ attacker, gateway }) => {
      gateway.requestsClient = true;
      const client = await attacker();
      const { id } = await client.next('identify yourself');
      for (const data of [1, 2]) client.send(handleEvent(data));
      client.send({ ack: 'invented', data: 'unknown' });
      client.send({ ack: id, data: 'me' });
      client.send(handleEvent(3));
      expect(await client.ask('see', 4)).toMatchObject({ data: 4 });
      expect(gateway.answers).toEqual(['me']);
      expect(gateway.handled).toEqual([1, 2, 3, 4]);
    }),
  );

  it(
    'are not handled when it fails, and the connection closes',
    attack(async ({ raw, gateway }) => {
      const gate = deferred();
      gateway.gate = gate.promise;
      const client = await raw();
      client.send(
        Buffer.concat(NUMBERS.map((i) => clientFrame({ opcode: OP.text, payload: handleEvent(i) }))),
      );
      await until('a pause', () => gateway.clients.at(-1)!.isPaused);
      gate.reject(new Error('secret'));
      expect(await client.message()).toBe(
        '{"event":"exception","data":{"status":"error","message":"Internal server error"}}',
      );
      expect(await client.close()).toEqual({ code: 1011, reason: 'Internal server error' });
      client.send({ opcode: OP.close });
      expect(await client.ended()).toHaveLength(0);
      expect(gateway.handled).toEqual([]);
      expect(gateway.reasons).toEqual(['server namespace disconnect']);
    }),
  );

  it(
    'are not handled when the client disconnects meanwhile',
    attack(async ({ raw, gateway, server }) => {
      const gate = deferred();
      gateway.gate = gate.promise;
      const client = await raw();
      client.text(handleEvent('never'));
      client.tcp.resetAndDestroy();
      await until('handleDisconnect', () => gateway.reasons.length === 1);
      expect(server.sockets.size).toBe(1);
      gate.resolve();
      await until('the end of handleConnection', () => gateway.isReady);
      expect(gateway.handled).toEqual([]);
    }),
  );

  it(
    'are not handled after a message that closes the connection',
    attack(async ({ raw, gateway }) => {
      const gate = deferred();
      gateway.gate = gate.promise;
      const client = await raw();
      const duplicate = { opcode: OP.text, payload: '{"event":"see","data":"first","id":1}' };
      client.send(duplicate, duplicate, { opcode: OP.text, payload: handleEvent('never') });
      client.send({ opcode: OP.ping });
      expect((await client.frame()).opcode).toBe(OP.pong);
      gate.resolve();
      expect((await client.close()).code).toBe(4409);
      await until('handleDisconnect', () => gateway.reasons.length === 1);
      expect(gateway.handled).toEqual(['first']);
    }),
  );

  it(
    'are dropped when it never settles, and the client is disconnected',
    underAttack(EarlyGateway, { connectTimeout: 50 })(async ({ raw, gateway, app }) => {
      gateway.gate = new Promise(() => undefined);
      const client = await raw();
      client.text(handleEvent('never'));
      expect(await client.close()).toEqual({ code: 1011, reason: 'connectTimeout' });
      client.send({ opcode: OP.close });
      await client.ended();
      expect(gateway.handled).toEqual([]);
      expect(app.log.of('error')).toHaveLength(1);
    }),
  );
});
