// Measures how many broadcasts one Redis can forward. Plain sockets send it the bytes that a real node sent, as fast as
// it answers, and one plain subscriber stands for each node.
import { connect } from 'node:net';
import { once } from 'node:events';
import { ownCpu } from '../processes.js';

/** With more than one broadcast per write, this many writes may be in flight. */
const MAX_BATCHES = 10;

const command = (...parts) =>
  Buffer.concat([
    Buffer.from(`*${parts.length}\r\n`),
    ...parts.flatMap((part) => [
      Buffer.from(`$${Buffer.byteLength(part)}\r\n`),
      Buffer.from(part),
      Buffer.from('\r\n'),
    ]),
  ]);

async function plainSocket(port) {
  const socket = connect(port, '127.0.0.1').setNoDelay();
  await once(socket, 'connect');
  return socket;
}

/** Publish and subscribe: each subscriber counts the messages by their bytes, which are the same for all. */
const pubSub = (publish, subscribe, received) => ({
  one: command(...publish),
  number: () => undefined,
  async subscribe(port, progress) {
    const socket = await plainSocket(port);
    socket.write(command(...subscribe));
    await once(socket, 'data');
    const size = command(...received).length;
    let bytes = 0;
    socket.on('data', (data) => progress(Math.floor((bytes += data.length) / size)));
    return socket;
  },
});

/**
 * For each adapter: `one`, the bytes of one broadcast; `number`, which writes ids into a batch where broadcasts have
 * ids; and `subscribe`, which reads them as a node does.
 */
const BROKERS = {
  classic: ({ channel, payload }) => {
    const pattern = `${channel.split('#').slice(0, 2).join('#')}#*`;
    return pubSub(
      ['PUBLISH', channel, payload],
      ['PSUBSCRIBE', pattern],
      ['pmessage', pattern, channel, payload],
    );
  },
  // each room has a channel, and only the nodes of its members subscribe
  sharded: ({ channel, payload }) =>
    pubSub(['SPUBLISH', channel, payload], ['SSUBSCRIBE', channel], ['smessage', channel, payload]),
  streams: ({ fields }) => {
    const entries = Object.entries(fields).flat();
    // all ids have the same length, and so do the entries that Redis returns
    const idOf = (number) => `${1_000_000_000_000 + number}-0`;
    const entry = Buffer.concat([Buffer.from('*2\r\n'), command(idOf(0)).subarray(4), command(...entries)]);
    const one = command('XADD', 'socket.io', 'MAXLEN', '~', '10000', idOf(0), ...entries);
    const at = one.indexOf(idOf(0));
    return {
      one,
      number(batch, first) {
        for (let offset = at; offset < batch.length; offset += one.length)
          batch.write(idOf(first++), offset, 'latin1');
      },
      async subscribe(port, progress) {
        const socket = await plainSocket(port);
        const ask = (last) =>
          socket.write(
            command('XREAD', 'COUNT', '100', 'BLOCK', '60000', 'STREAMS', 'socket.io', idOf(last)),
          );
        let last = 0;
        let text = Buffer.alloc(0);
        socket.on('data', (data) => {
          text = text.length === 0 ? data : Buffer.concat([text, data]);
          const head = /^\*1\r\n\*2\r\n\$9\r\nsocket\.io\r\n\*(\d+)\r\n/.exec(text.toString('latin1', 0, 40));
          if (head === null || text.length < head[0].length + Number(head[1]) * entry.length) return;
          text = Buffer.alloc(0);
          last += Number(head[1]);
          ask(last);
          progress(last);
        });
        ask(0);
        return socket;
      },
    };
  },
};

/**
 * Measures one Redis with `nodes` subscribers.
 *
 * @param atOnce broadcasts per write; with 1, Redis handles one at a time
 */
export async function redisCapacity(redis, { message, broker, nodes, atOnce, times }) {
  await redis.clear();
  const format = BROKERS[broker](message);
  const all = Buffer.concat(Array.from({ length: atOnce }, () => format.one));
  const window = atOnce === 1 ? 1 : MAX_BATCHES * atOnce;
  const read = Array.from({ length: nodes }, () => 0);
  let sendMore = () => undefined;
  const readers = await Promise.all(
    read.map((_, i) =>
      format.subscribe(redis.port, (count) => {
        read[i] = count;
        sendMore();
      }),
    ),
  );
  const publisher = await plainSocket(redis.port);
  // discards the replies: the readers show what Redis forwarded
  publisher.resume();
  const run = (from, until) =>
    new Promise((resolve) => {
      let sent = from;
      sendMore = () => {
        const done = Math.min(...read);
        if (done === until) return resolve();
        while (sent < until && sent + atOnce - done <= window) {
          // a copy: the last one may still wait to be written
          const batch = Buffer.from(all);
          format.number(batch, sent + 1);
          publisher.write(batch);
          sent += atOnce;
        }
      };
      sendMore();
    });
  const whole = (count) => Math.ceil(count / atOnce) * atOnce;
  const from = whole(times / 4);
  await run(0, from);
  const before = { ...(await redis.info()), own: ownCpu(), at: performance.now() };
  await run(from, from + whole(times));
  const elapsed = performance.now() - before.at;
  const after = { ...(await redis.info()), own: ownCpu() };
  for (const socket of [publisher, ...readers]) socket.destroy();
  return {
    perSecond: (1000 * whole(times)) / elapsed,
    cpu: (after.cpu - before.cpu) / whole(times),
    busy: (after.cpu - before.cpu) / 1000 / elapsed,
    loadBusy: (after.own - before.own) / 1000 / elapsed,
    received: (after.received - before.received) / whole(times),
    sent: (after.sent - before.sent) / whole(times),
  };
}
