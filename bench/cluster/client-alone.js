// A client of Redis that receives the broadcasts of other nodes and does nothing with them: what a node costs without an adapter.
// node bench/cluster/client-alone.js classic|streams <port of Redis>
import { createClient } from 'redis';
import { ownCpu, serve } from '../processes.js';

const [, , broker, port] = process.argv;
const client = await createClient({ url: `redis://127.0.0.1:${port}` }).connect();
let received = 0;
const receive = () => received++;

async function readStream() {
  for (let id = '$'; ;) {
    const [stream] = (await client.xRead([{ key: 'socket.io', id }], { COUNT: 100, BLOCK: 5_000 })) ?? [];
    for (const message of stream?.messages ?? []) {
      ({ id } = message);
      receive();
    }
  }
}

if (broker === 'classic') await client.pSubscribe('socket.io#/ws#*', receive, true);
else void readStream();

serve({ port: () => undefined, cpu: ownCpu, received: () => received });
