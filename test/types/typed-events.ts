/**
 * Checked by `tsc`, never run: what typed events accept and refuse. A line below
 * `@ts-expect-error` that compiles is an error.
 */
import type { BroadcastOperator, DisconnectReason, EnvelopeServer, EnvelopeSocket } from '../../lib/index.js';

interface ClientToServer {
  say: (text: string) => void;
  ask: (question: { id: number }, answer: (text: string) => void) => void;
}

interface ServerToClient {
  said: (from: string, text: string) => void;
  cleared: () => void;
  confirm: (question: string, answer: (yes: boolean) => void) => void;
  /** An answer that could be confused with an `Error`. */
  who: (answer: (user: { name: string }) => void) => void;
}

interface ServerSide {
  flush: (room: string) => void;
  load: (answer: (percent: number) => void) => void;
}

interface Data {
  name: string;
  visits: number;
}

type Server = EnvelopeServer<ClientToServer, ServerToClient, ServerSide, Data>;
type Socket = EnvelopeSocket<ClientToServer, ServerToClient, ServerSide, Data>;

/** Fails to compile if the two types differ. */
type Same<Left, Right> =
  (<Probe>() => Probe extends Left ? 1 : 2) extends <Probe>() => Probe extends Right ? 1 : 2 ? true : false;
function same<Left, Right>(_proof: Same<Left, Right>): void {}

export async function sockets(socket: Socket): Promise<void> {
  socket.emit('said', 'ada', 'hello');
  socket.emit('cleared');
  socket.emit('confirm', 'sure?', (yes) => same<typeof yes, boolean>(true));
  // @ts-expect-error a number instead of a string
  socket.emit('said', 'ada', 1);
  // @ts-expect-error an argument is missing
  socket.emit('said', 'ada');
  // @ts-expect-error no such event to the client
  socket.emit('say', 'hello');
  // @ts-expect-error the event has no data
  socket.emit('cleared', 1);

  const yes = await socket.emitWithAck('confirm', 'sure?');
  same<typeof yes, boolean>(true);
  const user = await socket.emitWithAck('who');
  same<typeof user, { name: string }>(true);
  // @ts-expect-error the question is a string
  await socket.emitWithAck('confirm', 1);

  // @ts-expect-error the event has no callback for an answer
  await socket.emitWithAck('said', 'ada', 'hello');

  socket.data.name = 'Ada';
  // @ts-expect-error visits is a number
  socket.data.visits = 'many';
  // @ts-expect-error no such field
  socket.data.nothing = 1;
}

export async function directOperators(socket: Socket): Promise<void> {
  socket.volatile.emit('said', 'ada', 'hello');
  socket.compress(false).volatile.emit('cleared');
  // @ts-expect-error a number instead of a string
  socket.volatile.emit('said', 1, 'hello');
  // @ts-expect-error no such event to the client
  socket.compress(true).emit('unknown');

  socket.timeout(10).emit('confirm', 'sure?', (error, yes) => {
    same<typeof error, Error>(true);
    same<typeof yes, boolean>(true);
  });
  // @ts-expect-error the answer is a boolean
  socket.timeout(10).emit('confirm', 'sure?', (_error: Error, yes: string) => yes);
  const yes = await socket.timeout(10).emitWithAck('confirm', 'sure?');
  same<typeof yes, boolean>(true);
  const user = await socket.timeout(10).volatile.emitWithAck('who');
  same<typeof user, { name: string }>(true);
}

export async function broadcasts(server: Server, socket: Socket): Promise<void> {
  server.emit('said', 'ada', 'hello');
  server.to('room').except(['a', 'b']).volatile.emit('said', 'ada', 'hello');
  server.sockets.emit('cleared');
  server.of('/other').local.emit('cleared');
  socket.broadcast.emit('cleared');
  socket.to('room').emit('said', 'ada', 'hello');
  // @ts-expect-error a number instead of a string
  server.emit('said', 1, 'hello');
  // @ts-expect-error no such event to the client
  server.to('room').emit('ask', { id: 1 });
  // @ts-expect-error a number instead of a string
  server.sockets.emit('said', 1, 'hello');
  // @ts-expect-error an argument is missing
  socket.broadcast.emit('said', 'ada');
  // @ts-expect-error a number instead of a string
  socket.volatile.to('room').emit('said', 'ada', 1);

  server.to('room').emit('confirm', 'sure?', (error, answers) => {
    same<typeof error, Error>(true);
    same<typeof answers, boolean[]>(true);
  });
  server.timeout(10).emit('confirm', 'sure?', (_error, answers) => same<typeof answers, boolean[]>(true));
  socket
    .to('room')
    .timeout(10)
    .emit('who', (_error, users) => users.map(({ name }) => name));
  const answers = await server.emitWithAck('confirm', 'sure?');
  same<typeof answers, boolean[]>(true);
  const confirmations = await server.to('room').timeout(10).emitWithAck('confirm', 'sure?');
  same<typeof confirmations, boolean[]>(true);
  const users = await socket.broadcast.emitWithAck('who');
  same<typeof users, { name: string }[]>(true);
  // @ts-expect-error the event has no callback for an answer
  await server.emitWithAck('cleared');
  // @ts-expect-error the question is a string
  await server.to('room').emitWithAck('confirm', { sure: true });
}

export function operators(server: Server): void {
  const operator: BroadcastOperator<ServerToClient, Data> = server.to('room').local;
  operator.emit('cleared');
  // @ts-expect-error a number instead of a string
  operator.emit('said', 1, 2);
}

export async function fetched(server: Server): Promise<void> {
  for (const socket of await server.in('room').fetchSockets()) {
    same<typeof socket.data, Data>(true);
    socket.emit('said', socket.data.name, 'hello');
    const yes = await socket.timeout(10).emitWithAck('confirm', 'sure?');
    same<typeof yes, boolean>(true);
    // @ts-expect-error a number instead of a string
    socket.emit('said', 1, 'hello');
    // @ts-expect-error no such field
    socket.data.nothing = 1;
  }
}

export function listeners(server: Server, socket: Socket): void {
  socket.on('say', (text) => same<typeof text, string>(true));
  socket.once('ask', (question, answer) => {
    same<typeof question, { id: number }>(true);
    answer('an answer');
    // @ts-expect-error the answer is a string
    answer(1);
  });
  socket.on('disconnect', (reason) => same<typeof reason, DisconnectReason>(true));
  socket.on('disconnecting', (reason: string) => reason.length);
  socket.on('close', (code, reason) => [code.toFixed(), reason.toString()]);
  socket.on('error', (error) => error.message);
  socket.on('pong', (data) => data.length);
  // @ts-expect-error the data is a string
  socket.on('say', (text: number) => text);
  // @ts-expect-error no such event from the client
  socket.on('said', () => undefined);
  // @ts-expect-error no such event from the client
  socket.once('unknown', () => undefined);

  server.on('connection', (client) => {
    client.emit('cleared');
    // @ts-expect-error no such event to the client
    client.emit('unknown');
    same<typeof client.data, Data>(true);
  });
  server.use((client, next) => {
    client.data.visits += 1;
    next(new Error('refused'));
    // @ts-expect-error visits is a number
    client.data.visits = 'many';
  });
}

export async function serverSide(server: Server): Promise<void> {
  server.serverSideEmit('flush', 'room');
  server.serverSideEmit('load', (_error, percents) => same<typeof percents, number[]>(true));
  server.on('flush', (room) => same<typeof room, string>(true));
  server.on('load', (answer) => answer(99));
  const percents = await server.serverSideEmitWithAck('load');
  same<typeof percents, number[]>(true);
  // @ts-expect-error a room is a string
  server.serverSideEmit('flush', 1);
  // @ts-expect-error no such event between servers
  server.serverSideEmit('said', 'ada', 'hello');
  // @ts-expect-error the answer is a number
  server.on('load', (answer) => answer('much'));
}

/** Helpers that accept any server or socket accept typed ones. */
export function helpers(server: Server, socket: Socket): void {
  const count = (anyServer: EnvelopeServer): number => anyServer.engine.clientsCount;
  const name = (anySocket: EnvelopeSocket): string => anySocket.id;
  count(server);
  name(socket);
}

/** `any` under a name that the linter allows. */
type Any = ReturnType<typeof JSON.parse>;

/** Like `Socket<any, any>` and `Server<any>` in applications. */
export async function anyMaps(server: EnvelopeServer<Any>, socket: EnvelopeSocket<Any, Any>): Promise<void> {
  socket.on('rooms', (rooms: string[]) => rooms.length);
  socket.once('ask', (question: { id: number }, answer: (text: string) => void) =>
    answer(String(question.id)),
  );
  socket.on('close', (code, reason) => [code.toFixed(), reason.toString()]);
  socket.emit('said', 'ada', 1);
  socket.emit('confirm', (yes: boolean) => yes);
  socket.timeout(10).emit('confirm', 'sure?', (error: Error, yes: boolean) => [error, yes]);
  socket.to('room').emit('said', 'ada');
  const yes: boolean = await socket.emitWithAck('confirm', 'sure?');
  const no: boolean = await socket.timeout(10).emitWithAck('confirm', yes);
  server.emit('said', no);
  server.on('connection', (client) => client.on('say', (text: string) => text.length));
  server.to('room').emit('said', 'ada', 1);
  const all: EnvelopeServer<Any, Any, Any> = server.of('/other') as EnvelopeServer<Any, Any, Any>;
  all.emit('said', 'ada', 1);
  all.on('reload', (version: number) => version.toFixed());
  all.serverSideEmit('reload', 1);
  all.timeout(10).emit('confirm', 'sure?', (error: Error, answers: boolean[]) => [error, answers]);
  const answers: boolean[] = await all.emitWithAck('confirm', 'sure?');
  for (const remote of await all.fetchSockets()) remote.emit('said', answers);
}

export async function observers(server: Server): Promise<void> {
  const untyped = server.in('red').messages();
  for await (const { event, data } of untyped) {
    const name: string = event;
    void [name, data];
  }
  server
    .in('red')
    .messages<ServerToClient>()
    .subscribe((message) => {
      switch (message.event) {
        case 'said':
          return same<typeof message.data, [from: string, text: string]>(true);
        case 'cleared':
          return same<typeof message.data, undefined>(true);
        case 'confirm':
          return same<typeof message.data, string>(true);
        case 'who':
          return same<typeof message.data, undefined>(true);
        // @ts-expect-error no such event
        case 'unknown':
          return;
        default:
          return;
      }
    });
  // @ts-expect-error not a number
  server.in('red').messages({ maxBuffered: '10' });
}
