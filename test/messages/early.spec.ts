import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import type { EnvelopeSocket } from '../../lib/index.js';
import { clientFrame, OP } from '../support/raw-client.js';
import { besiege } from '../support/attack-harness.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { deferred, until } from '../support/wait.js';

@WebSocketGateway({ path: '/ws' })
class EarlyGateway {
  /** What the next client waits for. */
  gate: Promise<void> | undefined;
  readonly seen: unknown[] = [];
  readonly clients: EnvelopeSocket[] = [];
  readonly reasons: unknown[] = [];
  /** `handleConnection` has settled. */
  isReady = true;
  pauses = false;
  /** `handleConnection` asks the client, and waits for the answer. */
  asks = false;
  readonly answers: unknown[] = [];

  async handleConnection(client: EnvelopeSocket): Promise<void> {
    this.clients.push(client);
    if (this.pauses) client.pause();
    if (this.asks) this.answers.push(await client.emitWithAck('who are you'));
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
  see(@MessageBody() data: unknown): unknown {
    this.seen.push(this.isReady ? data : 'too early');
    return data;
  }
}

const attack = besiege(EarlyGateway);
const see = (data: unknown): string => JSON.stringify({ event: 'see', data });
const NUMBERS = Array.from({ length: 1_000 }, (_, i) => i);

describe('messages before handleConnection has settled', () => {
  expectNoUnhandledErrors();

  it(
    'a thousand are handled, in order, once it has',
    attack(async ({ raw, gateway, isServed }) => {
      const gate = deferred();
      const witnessed = gateway.clients.length;
      gateway.gate = gate.promise;
      const client = await raw();
      client.send(Buffer.concat(NUMBERS.map((i) => clientFrame({ opcode: OP.text, payload: see(i) }))));
      await until('handleConnection', () => gateway.clients.length > witnessed);
      // the server does not read on for ever
      await until('the line is paused', () => gateway.clients.at(-1)!.isPaused);
      await isServed();
      expect(gateway.seen).toEqual([]);
      gate.resolve();
      for (const i of NUMBERS) expect(await client.message()).toBe(see(i));
      expect(gateway.seen).toEqual(NUMBERS);
      expect(gateway.clients.at(-1)!.isPaused).toBe(false);
    }),
  );

  it(
    'large ones do not pile up in memory',
    // 27 MB of answers come back to a client that shares the server's thread: how slowly it reads is not the subject
    besiege(EarlyGateway, { limits: { maxBufferedBytes: false } })(async ({ raw, gateway, isServed }) => {
      const gate = deferred();
      gateway.gate = gate.promise;
      const client = await raw();
      const big = 'x'.repeat(900_000);
      const frame = clientFrame({ opcode: OP.text, payload: see(big) });
      for (let i = 0; i < 30; i++) client.send(frame);
      await until('the line is paused', () => gateway.clients.at(-1)!.isPaused);
      await isServed();
      expect(gateway.clients.at(-1)!.request.socket.bytesRead).toBeLessThan(3_000_000);
      gate.resolve();
      for (let i = 0; i < 30; i++) expect((await client.message()).length).toBe(see(big).length);
      expect(gateway.seen).toHaveLength(30);
    }),
  );

  it(
    'a line that the gateway itself paused stays so',
    attack(async ({ raw, gateway, isServed }) => {
      gateway.pauses = true;
      const client = await raw();
      client.text(see('later'));
      await isServed();
      await isServed();
      expect(gateway.seen).toEqual([]);
      gateway.clients.at(-1)!.resume();
      expect(await client.message()).toBe(see('later'));
    }),
  );

  it(
    'the answer that it waits for is no such message',
    attack(async ({ attacker, gateway }) => {
      gateway.asks = true;
      const client = await attacker();
      const { id } = await client.next('who are you');
      for (const data of [1, 2]) client.send(see(data));
      client.send({ ack: 'invented', data: 'nobody' });
      client.send({ ack: id, data: 'me' });
      client.send(see(3));
      expect(await client.ask('see', 4)).toMatchObject({ data: 4 });
      expect(gateway.answers).toEqual(['me']);
      expect(gateway.seen).toEqual([1, 2, 3, 4]);
    }),
  );

  it(
    'nothing is handled where it fails, and the line is closed',
    attack(async ({ raw, gateway }) => {
      const gate = deferred();
      gateway.gate = gate.promise;
      const client = await raw();
      client.send(Buffer.concat(NUMBERS.map((i) => clientFrame({ opcode: OP.text, payload: see(i) }))));
      await until('the line is paused', () => gateway.clients.at(-1)!.isPaused);
      gate.reject(new Error('secret'));
      expect(await client.message()).toBe(
        '{"event":"exception","data":{"status":"error","message":"Internal server error"}}',
      );
      expect(await client.close()).toEqual({ code: 1011, reason: 'Internal server error' });
      client.send({ opcode: OP.close });
      expect(await client.over()).toHaveLength(0);
      expect(gateway.seen).toEqual([]);
      expect(gateway.reasons).toEqual(['server namespace disconnect']);
    }),
  );

  it(
    'nor where the client has left meanwhile',
    attack(async ({ raw, gateway, server }) => {
      const gate = deferred();
      gateway.gate = gate.promise;
      const client = await raw();
      client.text(see('never'));
      client.tcp.resetAndDestroy();
      await until('handleDisconnect', () => gateway.reasons.length === 1);
      expect(server.sockets.size).toBe(1);
      gate.resolve();
      await until('the end of handleConnection', () => gateway.isReady);
      expect(gateway.seen).toEqual([]);
    }),
  );

  it(
    'a message that ends the line ends what waited behind it',
    attack(async ({ raw, gateway }) => {
      const gate = deferred();
      gateway.gate = gate.promise;
      const client = await raw();
      const duplicate = { opcode: OP.text, payload: '{"event":"see","data":"first","id":1}' };
      client.send(duplicate, duplicate, { opcode: OP.text, payload: see('never') });
      client.send({ opcode: OP.ping });
      expect((await client.frame()).opcode).toBe(OP.pong);
      gate.resolve();
      expect((await client.close()).code).toBe(4409);
      await until('handleDisconnect', () => gateway.reasons.length === 1);
      expect(gateway.seen).toEqual(['first']);
    }),
  );

  it(
    'a client whose handleConnection never settles is let go, and nothing of it stays',
    besiege(EarlyGateway, { connectTimeout: 50 })(async ({ raw, gateway, app }) => {
      gateway.gate = new Promise(() => undefined);
      const client = await raw();
      client.text(see('never'));
      expect(await client.close()).toEqual({ code: 1011, reason: 'connectTimeout' });
      client.send({ opcode: OP.close });
      await client.over();
      expect(gateway.seen).toEqual([]);
      expect(app.log.of('error')).toHaveLength(1);
    }),
  );
});
