import { text } from './page.js';
import { roomHistory } from '../../lib/history/index.js';
import type { PageGateway } from './gateway.js';
import { act, h, hooks, recorder, render, start, strict, until, type Started } from './fixture.js';

const { useHistory } = hooks;

/** Shows the messages of a room. */
function Room({ id, limit, name = '' }: { id: number; limit?: number; name?: string }): string {
  const { messages, complete, error, state } = useHistory(`chat:${id}`, {
    enter: 'enter',
    data: { id },
    leave: 'exit',
    event: 'said',
    limit,
  });
  const texts = messages.map(({ data }) => data).join(' ');
  return `${name}[${texts}] ${error?.message ?? (complete === false ? 'incomplete' : state)};`;
}

const say = ({ server }: PageGateway, id: number, ...texts: string[]): void => {
  for (const said of texts) server.to(`chat:${id}`).emit('said', said);
};

describe('useHistory', () => {
  let started: Started;
  beforeEach(async () => {
    started = await start({
      adapter: { shutdownTimeout: 10, history: roomHistory({ rooms: { 'chat:*': { size: 5 } } }) },
    });
  });

  it('shows the last messages, then those that follow, once under StrictMode', async () => {
    const { gateway, page } = started;
    say(gateway, 7, 'a', 'b', 'c', 'd');
    const { rerender } = render(strict(page(h(Room, { id: 7 }))));
    expect(text()).toBe('[] pending;');
    await until('the history', () => text() === '[b c d] active;');
    say(gateway, 7, 'e');
    await until('the message', () => text() === '[b c d e] active;');
    expect(gateway.log).toEqual(['enter 7']);
    rerender(strict(page()));
    await until('the end', () => gateway.log.includes('exit 7'));
    // a later visit is like the first one
    rerender(strict(page(h(Room, { id: 7 }))));
    await until('the history', () => text() === '[c d e] active;');
    expect(gateway.log).toEqual(['enter 7', 'exit 7', 'enter 7']);
  });

  it('goes on after lost connections, without a gap and with nothing twice', async () => {
    const { gateway, page } = started;
    render(page(h(Room, { id: 7, limit: 100 })));
    await until('the room', () => text() === '[] active;');
    const sent: string[] = [];
    for (let round = 0; round < 5; round++) {
      for (let i = 0; i < 4; i++) {
        sent.push(`${round}.${i}`);
        // in the middle of them
        if (i === 2) gateway.last.request.socket.destroy();
        say(gateway, 7, sent.at(-1)!);
      }
      await until('all messages', () => text() === `[${sent.join(' ')}] active;`);
    }
    expect(gateway.log).toEqual(['enter 7', ...Array.from({ length: 5 }, () => 'enter 7 again')]);
  });

  it('says that messages are missing when more were sent than the room keeps', async () => {
    const { gateway, page } = started;
    render(page(h(Room, { id: 7 })));
    await until('the room', () => text() === '[] active;');
    say(gateway, 7, 'a');
    await until('the message', () => text() === '[a] active;');
    gateway.last.request.socket.destroy();
    await until('the disconnect', () => !gateway.last.connected);
    say(gateway, 7, 'b', 'c', 'd', 'e', 'f', 'g');
    await until('the last ones', () => text() === '[a c d e f g] incomplete;');
    gateway.last.request.socket.destroy();
    say(gateway, 7, 'h');
    await until('the next one', () => text() === '[a c d e f g h] incomplete;');
  });

  it('gives components that come later the same list, and leaves with the last one', async () => {
    const { gateway, page } = started;
    say(gateway, 7, 'a');
    const early = h(Room, { id: 7, key: 'a' });
    const { rerender } = render(page(early));
    await until('the history', () => text() === '[a] active;');
    const late = h(Room, { id: 7, key: 'b', name: 'late ' });
    rerender(page(early, late));
    await until('both', () => text() === '[a] active;late [a] active;');
    rerender(page(late));
    say(gateway, 7, 'b');
    await until('the message', () => text() === 'late [a b] active;');
    rerender(page());
    await until('the end', () => gateway.log.includes('exit 7'));
    expect(gateway.log).toEqual(['enter 7', 'exit 7']);
  });

  it('shows another room at once, and no message of the one before or beside it', async () => {
    const { gateway, page } = started;
    say(gateway, 1, 'a');
    const { rerender } = render(page(h(Room, { id: 1 })));
    await until('the first', () => text() === '[a] active;');
    rerender(page(h(Room, { id: 2 })));
    expect(text()).toBe('[] pending;');
    await until('the second', () => text() === '[] active;');
    await gateway.last.join('chat:3');
    say(gateway, 1, 'b');
    say(gateway, 3, 'c');
    // to this client alone
    gateway.last.emit('said', 'direct');
    gateway.server.to('chat:3').to('chat:2').emit('said', 'both');
    await until('the message', () => text() === '[both] active;');
  });

  it('forgets the oldest messages, and renders once for those that arrive together', async () => {
    const { gateway, page } = started;
    const { seen, Component } = recorder(() => text());
    const Watched = () => h('p', null, h(Room, { id: 7, limit: 3 }), h(Component));
    render(page(h(Watched)));
    await until('the room', () => text().includes('active'));
    const before = seen.length;
    act(() => say(gateway, 7, ...Array.from({ length: 100 }, (_, i) => String(i))));
    await until('the last ones', () => text().startsWith('[97 98 99] active;'));
    expect(seen.length - before).toBeLessThan(20);
  });

  it('shows why a room was refused', async () => {
    const { gateway, page } = started;
    gateway.refused.add(7);
    render(page(h(Room, { id: 7 })));
    await until('the refusal', () => text() === '[] not yours;');
  });
});
