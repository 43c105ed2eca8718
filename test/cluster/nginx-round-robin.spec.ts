import { describeWithRedis, RedisServer } from '../support/brokers/redis.js';
import { describeWithNginx, Nginx } from '../support/nginx.js';
import { expectOneRoom, joinTwoWorkers, RoomMember } from '../support/sample-cluster-client.js';
import { Sample } from '../support/sample.js';

/** A separate application, like on another machine: only Redis connects it with the others. */
class AppNode {
  private constructor(
    readonly process: Sample,
    readonly port: number,
  ) {}

  static async start(redis: RedisServer): Promise<AppNode> {
    const process = Sample.start('sample/03-cluster/src/main.ts', '--redis', redis.url, '--port', '0');
    const [port] = await process.waitForOutput(/bound 1 gateway on [^ ]+:(\d+)/);
    return new AppNode(process, Number(port));
  }

  hasMember({ pid }: RoomMember): boolean {
    return pid === this.process.process.pid;
  }
}

describeWithRedis('applications that share a Redis', () => {
  const redis = new RedisServer();
  let nodes: [AppNode, AppNode, AppNode];
  beforeAll(async () => {
    await redis.start();
    nodes = await Promise.all([AppNode.start(redis), AppNode.start(redis), AppNode.start(redis)]);
  });

  describeWithNginx('behind nginx, which sends each connection to the next of them', () => {
    const startNginx = async (...behind: AppNode[]): Promise<string> => {
      const { port } = await Nginx.start(behind.map((node) => node.port));
      return `ws://127.0.0.1:${port}/ws`;
    };

    it('form one room: clients connect to any of them, and messages reach each client once', async () => {
      const [one, two] = nodes;
      const url = await startNginx(one, two);
      const members = await joinTwoWorkers(url);
      expect(members.map((member) => one.hasMember(member))).toEqual([true, false]);
      expect(members.map((member) => two.hasMember(member))).toEqual([false, true]);
      await expectOneRoom(members);
      for (const member of members) await member.waitForRoster(members);
    });

    it('accept clients of each other: a client can reconnect to either of them, several times', async () => {
      const [one, two] = nodes;
      const url = await startNginx(one, two);
      const witness = await RoomMember.join(url, 'witness');
      let roaming = await RoomMember.join(url, 'roaming');
      const workers = [roaming.worker];
      for (let round = 0; round < 3; round++) {
        roaming.client.ws.terminate();
        roaming = await roaming.reconnect();
        workers.push(roaming.worker);
        await expectOneRoom([witness, roaming]);
      }
      expect(new Set(workers).size).toBe(2);
      await witness.waitForRoster([witness, roaming]);
    });

    it.each([
      { action: 'terminated', signal: 'SIGTERM', code: 1001, which: 0 },
      { action: 'killed', signal: 'SIGKILL', code: 1006, which: 1 },
    ] as const)('lose none of their clients when one of them is $action', async ({ signal, code, which }) => {
      const [leaving, staying] = [nodes[which], nodes[2]];
      const url = await startNginx(leaving, staying);
      const members = await joinTwoWorkers(url);
      const exit = leaving.process.end(signal);
      const reconnected = await Promise.all(
        members.map(async (member) => {
          if (!leaving.hasMember(member)) return member;
          expect((await member.client.ended()).code).toBe(code);
          return member.reconnect();
        }),
      );
      expect(reconnected.map((member) => staying.hasMember(member))).toEqual(members.map(() => true));
      await expectOneRoom(reconnected);
      for (const member of reconnected) await member.waitForRoster(reconnected);
      await exit;
    });
  });
});
