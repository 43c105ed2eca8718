import { PresenceView } from '../../lib/server/presence/presence-view.js';

function observedView() {
  const changes: string[] = [];
  const view = new PresenceView((error) => {
    throw error;
  });
  for (const type of ['join', 'leave'] as const)
    view.listeners[type].push(({ key }) => changes.push(`${type} ${key}`));
  return { view, changes };
}

describe('PresenceView', () => {
  it('replaces its members with the lists of all nodes', () => {
    const { view, changes } = observedView();
    view.apply('join', 'red', 'ada', undefined);
    view.expectLists();
    view.replace([['red', 'bob', undefined]], true);
    expect(changes).toEqual(['join ada', 'leave ada', 'join bob']);
  });

  it('keeps changes that arrived after the lists were requested', () => {
    const { view, changes } = observedView();
    view.apply('join', 'red', 'ada', undefined);
    view.expectLists();
    view.apply('leave', 'red', 'ada', undefined);
    view.apply('join', 'red', 'bob', undefined);
    // the state before the changes
    view.replace([['red', 'ada', undefined]], true);
    expect(changes).toEqual(['join ada', 'leave ada', 'join bob']);
    // the next lists are newer
    view.expectLists();
    view.replace([['red', 'ada', undefined]], true);
    expect(changes.slice(3)).toEqual(['leave bob', 'join ada']);
  });

  it('keeps the members of a node that does not answer', () => {
    const { view, changes } = observedView();
    view.apply('join', 'red', 'ada', undefined);
    view.expectLists();
    view.replace([], false);
    expect(changes).toEqual(['join ada']);
  });
});
