import { hostname } from 'node:os';
import { describeWithRedis, RedisServer } from '../support/brokers/redis.js';
import {
  expectOneRoom,
  joinTwoWorkers,
  joinWorker,
  type RoomMember,
} from '../support/sample-cluster-client.js';
import { isAlive, Sample } from '../support/sample.js';
import { freePort } from '../support/upgrade.js';

const PROGRAM = 'sample/03-cluster/src/cluster.ts';
const LISTENS = /Worker (\d+) listens on/;
/** Milliseconds. An upgrade request that no worker has takes longer: it is never answered. */
const ANSWERED = 15_000;

/** The sample with two workers. */
class SampleCluster {
  private constructor(
    readonly process: Sample,
    readonly port: number,
  ) {}

  static async start(...args: string[]): Promise<SampleCluster> {
    const process = Sample.start(PROGRAM, '--workers', '2', '--port', '0', ...args);
    const [port] = await process.waitForOutput(/Open http:\/\/localhost:(\d+)\/\n/);
    await process.waitForOutput(LISTENS, 2);
    return new SampleCluster(process, Number(port));
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}/ws`;
  }

  /** Returns the process ids of all workers that were ever started, the oldest first. */
  async workers(atLeast = 1): Promise<number[]> {
    return (await this.process.waitForOutput(LISTENS, atLeast)).map(Number);
  }

  /** Ends a worker that has clients. They reconnect to another worker, and its successor accepts new clients. */
  async replace(
    signal: NodeJS.Signals,
    code: number,
    reconnectTimeout?: number,
  ): Promise<{ failures: string[]; members: RoomMember[] }> {
    const members = await joinTwoWorkers(this.url);
    const [{ pid }, before, failures] = [members[0]!, await this.workers(), [] as string[]];
    process.kill(pid, signal);
    const current = await Promise.all(
      members.map(async (member) => {
        if (member.pid !== pid) return member;
        expect((await member.client.ended()).code).toBe(code);
        return member.reconnect(failures, reconnectTimeout);
      }),
    );
    expect(current.map((member) => member.pid)).not.toContain(pid);
    expect(await this.process.waitForOutput(new RegExp(`Worker ${pid} ended with (.*)`))).toEqual([signal]);
    const successor = (await this.workers(before.length + 1)).at(-1)!;
    return { failures, members: [...current, await joinWorker(this.url, 'newcomer', successor)] };
  }
}

/** @param signal the signal that ends the cluster */
function describeOneRoom(cluster: () => SampleCluster, signal: NodeJS.Signals): void {
  it('accepts clients on any worker of one port and delivers a message to all of them once', async () => {
    const members = await joinTwoWorkers(cluster().url);
    expect(await cluster().workers()).toEqual(expect.arrayContaining(members.map(({ pid }) => pid)));
    await expectOneRoom(members);
    for (const member of members) await member.waitForRoster(members);
  });

  it('replaces a killed worker and counts its clients where they reconnect', async () => {
    const { members } = await cluster().replace('SIGKILL', 1006);
    await expectOneRoom(members);
    for (const member of members) {
      await member.waitForRoster(members);
      await member.client.until('as many workers as before', () => member.roster?.nodes === 2);
    }
  });

  it('ends completely: 1001 for all clients, no process left, exit code 0', async () => {
    const [members, pids] = [await joinTwoWorkers(cluster().url), await cluster().workers()];
    const exit = cluster().process.end(signal);
    const codes = await Promise.all(members.map(async ({ client }) => (await client.ended()).code));
    expect(codes).toEqual(members.map(() => 1001));
    expect(await exit).toEqual({ code: 0, signal: null });
    expect(pids.filter(isAlive)).toEqual([]);
  });
}

describe('sample 03-cluster', () => {
  let cluster: SampleCluster;
  beforeAll(async () => {
    cluster = await SampleCluster.start();
  });

  it('answers a client as its README documents and rejects invalid messages', async () => {
    const [{ client, pid }] = (await joinTwoWorkers(cluster.url)) as [RoomMember];
    const roster = { state: 'connected', nodes: expect.any(Number), workers: expect.any(Array) };
    const data = { worker: `${pid}@${hostname()}`, roster };
    expect(client.frames[0]).toEqual({ event: 'join', data, ack: 0 });
    expect((await client.ask('message', { text: ' ' })).data).toMatchObject({ statusCode: 400 });
    expect((await client.ask('join', { name: 'x'.repeat(41) })).data).toMatchObject({ statusCode: 400 });
  });

  it('replaces a worker that is terminated without leaving a request unanswered', async () => {
    const { failures, members } = await cluster.replace('SIGTERM', 1001, ANSWERED);
    expect(failures.filter((text) => text.includes('timed out'))).toEqual([]);
    await expectOneRoom(members);
    for (const member of members) await member.waitForRoster(members);
  });

  it('ends when its workers cannot listen', async () => {
    const second = Sample.start(PROGRAM, '--workers', '1', '--port', String(cluster.port));
    expect(await second.exited).toEqual({ code: 1, signal: null });
    expect(second.output).toContain('EADDRINUSE');
    await expectOneRoom(await joinTwoWorkers(cluster.url));
  });

  it('says once that Redis does not answer, and where', async () => {
    const address = `127.0.0.1:${await freePort()}`;
    const waiting = Sample.start(PROGRAM, '--workers', '2', '--redis', `redis://user:secret@${address}`);
    expect(await waiting.waitForOutput(/Redis does not answer at (\S+) \(ECONNREFUSED\)/)).toEqual([address]);
    await waiting.end();
    expect(waiting.output.match(/does not answer/g)).toHaveLength(1);
  });

  describeOneRoom(() => cluster, 'SIGTERM');
});

describeWithRedis('sample 03-cluster over Redis', () => {
  const redis = new RedisServer();
  let cluster: SampleCluster;
  beforeAll(async () => {
    await redis.start();
    cluster = await SampleCluster.start('--redis', redis.url);
  });

  describeOneRoom(() => cluster, 'SIGINT');
});
