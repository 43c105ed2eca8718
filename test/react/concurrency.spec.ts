import { text } from './page.js';
import { startTransition, useLayoutEffect, useState, type ReactElement } from 'react';
import { h, hooks, render, start, until } from './fixture.js';

const { useSubscription } = hooks;

/** Occupies the processor, so that React pauses between components. */
function work(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

it('concurrent rendering shows all components the same data', async () => {
  const { gateway, page } = await start();
  /** The versions of one commit. */
  const commits: Set<number>[] = [];
  let current = new Set<number>();
  let renders = 0;
  const Part = ({ turn }: { turn: number }): string => {
    const { data } = useSubscription('watch', { id: 7 }, { on: { changed: (_, changed) => changed } });
    renders++;
    work(1.5);
    const version = data?.version ?? 0;
    // runs in each commit, also where the value is the same
    useLayoutEffect(() => void current.add(version));
    return `${turn}.${version} `;
  };
  let setTurn!: (turn: number) => void;
  const Page = (): ReactElement => {
    const [turn, set] = useState(0);
    setTurn = set;
    return h(
      'p',
      null,
      Array.from({ length: 12 }, (_, key) => h(Part, { key, turn })),
    );
  };
  const Commit = (): null => {
    useLayoutEffect(() => {
      commits.push(current);
      current = new Set();
    });
    return null;
  };
  render(page(h(Page), h(Commit)));
  await until('the answer', () => text().endsWith('0.1 '));
  for (let turn = 1; turn <= 3; turn++) {
    const before = renders;
    startTransition(() => setTurn(turn));
    // in the middle of the transition
    await until('a part of the render', () => renders > before);
    gateway.change(7);
    const end = `${turn}.${gateway.version} `;
    await until('the transition and the change', () => text().endsWith(end));
    // every text of the page has the same version
    expect(new Set(text().trim().split(' ')).size).toBe(1);
  }
  expect(commits.every((versions) => versions.size <= 1)).toBe(true);
});
