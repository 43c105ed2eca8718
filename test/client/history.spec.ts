import { history, type RoomPositions } from '../../lib/client/history.js';
import { connect, type ClientSocket } from '../../lib/client/node.js';
import { roomHistory, type JoinedHistory } from '../../lib/history/index.js';
import { until } from '../support/wait.js';
import { cutAll, startNode, type HistoryNode } from '../history/gateway.js';

/** Fast attempts to connect again. */
const FAST = { reconnectionDelay: 1, reconnectionDelayMax: 20 };

describe.each([false, true])('history(socket), with recovery: %s', (recovery) => {
  let node: HistoryNode;
  let socket: ClientSocket;
  let past: RoomPositions;
  let said: string[];
  let answers: JoinedHistory[];

  const enter = (room: string) =>
    socket
      .subscribe('enter', { room, rewind: 2 }, { leave: 'exit', after: past.after(room) })
      .onAnswer((answer) => void answers.push(answer as JoinedHistory));

  beforeEach(async () => {
    node = await startNode({ history: roomHistory({ rooms: { 'chat:*': {}, 'empty:*': {} } }), recovery });
    socket = connect(node.app.url('/ws'), FAST);
    past = history(socket as ClientSocket<never, never>);
    said = [];
    answers = [];
    socket.on('said', (text: string) => said.push(text));
  });
  afterEach(() => void socket.disconnect());

  it('receives the last messages, and what it missed on a later connection', async () => {
    const { server } = node;
    for (const text of ['a', 'b', 'c']) server.to('chat:1').emit('said', text);
    expect(past.position('chat:1')).toBeUndefined();
    await enter('chat:1').ready;
    await enter('empty:1').ready;
    expect(answers).toEqual([
      { complete: true, replayed: 2 },
      { complete: true, replayed: 0 },
    ]);
    server.to('chat:1').emit('said', 'd');
    await until('the live message', () => said.length === 3);
    for (const text of ['e', 'f']) {
      cutAll(node);
      server.to('chat:1').emit('said', text);
      server.to('empty:1').emit('said', `first ${text}`);
      await until(`the missed ${text}`, () => said.includes(text) && said.includes(`first ${text}`));
      expect(socket.recovered).toBe(recovery);
    }
    server.to('chat:1').emit('said', 'g');
    await until('the last message', () => said.includes('g'));
    expect(said.filter((text) => !text.startsWith('first'))).toEqual(['b', 'c', 'd', 'e', 'f', 'g']);
    expect(said.filter((text) => text.startsWith('first'))).toEqual(['first e', 'first f']);
    expect(answers.every(({ complete }) => complete)).toBe(true);
  });

  it('receives what was said while it was out of the room', async () => {
    const subscription = enter('chat:1');
    await subscription.ready;
    subscription.stop();
    await until('it to leave', () => node.server.adapter.rooms.get('chat:1') === undefined);
    node.server.to('chat:1').emit('said', 'a');
    await enter('chat:1').ready;
    expect(said).toEqual(['a']);
    past.forget('chat:1');
    expect(past.position('chat:1')).toBeUndefined();
    past.stop();
    node.server.to('chat:1').emit('said', 'b');
    await until('the second', () => said.includes('b'));
    expect(past.position('chat:1')).toBeUndefined();
  });
});
