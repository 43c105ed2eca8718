import { text } from './page.js';
import { act, h, hooks, render, start, strict, until } from './fixture.js';

const { useStream } = hooks;

describe('useStream', () => {
  const results: ReturnType<typeof useStream<'ticks'>>[] = [];
  const Ticks = ({ count, enabled }: { count: number; enabled?: boolean }): string => {
    const result = useStream('ticks', count, { enabled });
    results.push(result);
    return `${result.data ?? '-'} ${result.error?.message ?? result.state}`;
  };
  const Sum = ({ count }: { count: number }): string => {
    const { data, state } = useStream('ticks', count, {
      reduce: (sum: number | undefined, tick) => (sum ?? 0) + tick,
    });
    return `${data ?? '-'} ${state}`;
  };
  const Forever = ({ restartOnConnect }: { restartOnConnect?: boolean }): string => {
    const { data, error, state } = useStream('forever', undefined, { restartOnConnect });
    return `${data === undefined ? '-' : 'some'} ${error?.name ?? state}`;
  };
  beforeEach(() => void results.splice(0));

  it('shows the last value, requests once under StrictMode, and starts again on demand', async () => {
    const { gateway, page } = await start();
    render(strict(page(h(Ticks, { count: 3 }))));
    expect(text()).toBe('- pending');
    await until('the end', () => text() === '3 done');
    expect(gateway.log).toEqual(['ticks 3']);
    act(() => results.at(-1)!.restart());
    expect(text()).toBe('3 pending');
    await until('the second end', () => text() === '3 done');
    expect(gateway.log).toEqual(['ticks 3', 'ticks 3']);
  });

  it('collects values, and renders once for many that arrive together', async () => {
    const { page } = await start();
    const { rerender } = render(page(h(Sum, { count: 50 })));
    await until('the sum', () => text() === '1275 done');
    rerender(page(h(Ticks, { count: 99 })));
    await until('the end', () => text() === '99 done');
    expect(results.length).toBeLessThan(20);
  });

  it('shows no value of earlier data, and an empty stream without a value', async () => {
    const { page } = await start();
    const { rerender } = render(page(h(Ticks, { count: 3 })));
    await until('the end', () => text() === '3 done');
    rerender(page(h(Ticks, { count: 0 })));
    expect(text()).toBe('- pending');
    await until('the empty stream', () => text() === '- done');
  });

  it('shows the values before an exception', async () => {
    const { page } = await start();
    render(page(h(Ticks, { count: 100 })));
    await until('the exception', () => text() === '100 too many');
    expect(results.at(-1)!.state).toBe('failed');
  });

  it('cancels the source when the component is unmounted', async () => {
    const { gateway, page } = await start();
    const { rerender } = render(strict(page(h(Forever))));
    await until('the first value', () => text() === 'some active');
    expect(gateway.readers).toBe(1);
    rerender(strict(page()));
    await until('the end of the source', () => gateway.readers === 0);
  });

  it('ends with its connection, or starts again on the next one', async () => {
    const { gateway, page } = await start();
    render(page(h(Forever), '|', h(Forever, { restartOnConnect: true })));
    await until('the values', () => text() === 'some active|some active');
    gateway.last.terminate();
    await until(
      'both states',
      () => text() === 'some DisconnectedError|some active' && gateway.readers === 1,
    );
  });

  it('waits until it is enabled', async () => {
    const { gateway, page } = await start();
    const { rerender } = render(page(h(Ticks, { count: 3, enabled: false })));
    expect(text()).toBe('- stopped');
    rerender(page(h(Ticks, { count: 3, enabled: true })));
    await until('the end', () => text() === '3 done');
    expect(gateway.log).toEqual(['ticks 3']);
  });
});
