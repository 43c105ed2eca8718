import { createAdapter } from '@socket.io/redis-streams-adapter';
import { history } from '../../lib/client/history.js';
import { connect, type ClientSocket } from '../../lib/client/node.js';
import { redisHistory, roomHistory } from '../../lib/history/index.js';
import { tolerant } from '../../lib/index.js';
import { redisClients } from '../support/brokers/redis-clients.js';
import { describeWithRedis, RedisServer } from '../support/brokers/redis.js';
import { until } from '../support/wait.js';
import { cutAll, startNode } from './gateway.js';

describeWithRedis('a history beside the recovery of a cluster', () => {
  const redis = new RedisServer();
  beforeAll(() => redis.start());

  it('does not send what a recovered client has received', async () => {
    const client = await redisClients(redis).redis();
    const adapter = createAdapter(tolerant(client), { blockTimeInMs: 200 });
    const store = redisHistory(client);
    const node = await startNode({
      adapter: adapter as never,
      recovery: true,
      history: roomHistory({ rooms: { 'chat:*': {} }, store }),
    });
    const socket = connect(node.app.url('/ws'), { reconnectionDelay: 1, reconnectionDelayMax: 20 });
    const past = history(socket as ClientSocket<never, never>);
    const said: string[] = [];
    socket.on('said', (text: string) => said.push(text));
    try {
      const data = { room: 'chat:1', rewind: 2 };
      await socket.subscribe('enter', data, { after: past.after('chat:1') }).ready;
      node.server.to('chat:1').emit('said', 'a');
      await until('the first message', () => said.length === 1);
      cutAll(node);
      node.server.to('chat:1').emit('said', 'b');
      await until('the missed message', () => said.length === 2);
      expect(socket.recovered).toBe(true);
      socket.disconnect().connect();
      node.server.to('chat:1').emit('said', 'c');
      await until('the last message', () => said.includes('c'));
      expect(said).toEqual(['a', 'b', 'c']);
    } finally {
      socket.disconnect();
      await node.app.close();
      await until(
        'the reader to end',
        async () => !/cmd=xread/.test(String(await client.sendCommand(['CLIENT', 'LIST']))),
      );
      await client.end();
    }
  });
});
