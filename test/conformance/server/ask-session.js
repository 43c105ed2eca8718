// node ask-session.js URL: prints the data of the server's $session.
import { WebSocket } from 'ws';

const socket = new WebSocket(process.argv[2], ['envelope.v1']);
socket.on('error', (error) => {
  console.error(error.message);
  process.exitCode = 1;
});
socket.on('message', (data) => {
  const frame = JSON.parse(String(data));
  if (frame.event !== '$session') return;
  console.log(JSON.stringify(frame.data));
  socket.close();
});
