import { describeWithRedis, RedisServer } from '../support/brokers/redis.js';
import { describeWithNginx, Nginx } from '../support/nginx.js';
import { expectOneRoom, joinTwoWorkers, RoomMember } from '../support/sample-cluster-client.js';
import { Sample } from '../support/sample.js';

/** Milliseconds for processes to start. */
const START = 60_000;

/** An application of its own, as on a machine of its own: nothing but Redis connects it with others. */
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

  has({ pid }: RoomMember): boolean {
    return pid === this.process.process.pid;
  }
}

describeWithRedis('applications that share a Redis', () => {
  const redis = new RedisServer();
  let nodes: [AppNode, AppNode, AppNode];
  beforeAll(async () => {
    await redis.start();
    nodes = await Promise.all([AppNode.start(redis), AppNode.start(redis), AppNode.start(redis)]);
  }, START);

  describeWithNginx('behind nginx, which sends each connection to the next of them', () => {
    const startNginx = async (...behind: AppNode[]): Promise<string> => {
      const { port } = await Nginx.start(behind.map((node) => node.port));
      return `ws://127.0.0.1:${port}/ws`;
    };

    it('are one room: clients land on either, and messages reach all of them once', async () => {
      const [one, two] = nodes;
      const url = await startNginx(one, two);
      const members = await joinTwoWorkers(url);
      expect(members.map((member) => one.has(member))).toEqual([true, false]);
      expect(members.map((member) => two.has(member))).toEqual([false, true]);
      await expectOneRoom(members);
      for (const member of members) await member.waitForRoster(members);
    });

    it("take each other's clients: who was here may come back there, and there again", async () => {
      const [one, two] = nodes;
      const url = await startNginx(one, two);
      const witness = await RoomMember.join(url, 'witness');
      let wanderer = await RoomMember.join(url, 'wanderer');
      const visited = [wanderer.worker];
      for (let stay = 0; stay < 3; stay++) {
        wanderer.client.ws.terminate();
        wanderer = await wanderer.reconnect();
        visited.push(wanderer.worker);
        await expectOneRoom([witness, wanderer]);
      }
      expect(new Set(visited).size).toBe(2);
      await witness.waitForRoster([witness, wanderer]);
    });

    it.each([
      { fate: 'asked to end', signal: 'SIGTERM', code: 1001, which: 0 },
      { fate: 'killed', signal: 'SIGKILL', code: 1006, which: 1 },
    ] as const)(
      'lose none of their clients when one of them is $fate',
      async ({ signal, code, which }) => {
        const [leaving, staying] = [nodes[which], nodes[2]];
        const url = await startNginx(leaving, staying);
        const members = await joinTwoWorkers(url);
        const exit = leaving.process.end(signal);
        const back = await Promise.all(
          members.map(async (member) => {
            if (!leaving.has(member)) return member;
            expect((await member.client.ended()).code).toBe(code);
            return member.reconnect();
          }),
        );
        expect(back.map((member) => staying.has(member))).toEqual(members.map(() => true));
        await expectOneRoom(back);
        for (const member of back) await member.waitForRoster(back);
        await exit;
      },
      START,
    );
  });
});
