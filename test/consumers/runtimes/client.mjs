// Two clients of a server: node client.mjs ws://127.0.0.1:3000/ws
import process from 'node:process';
import { connect } from 'nestjs-envelope/client';

const url = process.argv[2];
const opened = (socket) => new Promise((resolve) => socket.once('connect', resolve));
const [ada, bob] = [connect(url), connect(url)];
await Promise.all([opened(ada), opened(bob)]);
const said = new Promise((resolve) => bob.once('said', resolve));
const length = await ada.emitWithAck('say', 'hello');
console.log(JSON.stringify({ length, said: await said }));
ada.disconnect();
bob.disconnect();
