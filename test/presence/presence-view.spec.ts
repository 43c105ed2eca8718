import { PresenceView } from '../../lib/server/presence/presence-view.js';

function watched() {
  const heard: string[] = [];
  const view = new PresenceView((error) => {
    throw error;
  });
  for (const type of ['join', 'leave'] as const)
    view.listeners[type].push(({ key }) => heard.push(`${type} ${key}`));
  return { view, heard };
}

describe('PresenceView', () => {
  it('takes what all nodes list for all that there is', () => {
    const { view, heard } = watched();
    view.apply('join', 'red', 'ada', undefined);
    view.expectLists();
    view.replace([['red', 'bob', undefined]], true);
    expect(heard).toEqual(['join ada', 'leave ada', 'join bob']);
  });

  it('knows better of whom it was told since they were asked', () => {
    const { view, heard } = watched();
    view.apply('join', 'red', 'ada', undefined);
    view.expectLists();
    view.apply('leave', 'red', 'ada', undefined);
    view.apply('join', 'red', 'bob', undefined);
    // as it was before
    view.replace([['red', 'ada', undefined]], true);
    expect(heard).toEqual(['join ada', 'leave ada', 'join bob']);
    // the next lists are newer
    view.expectLists();
    view.replace([['red', 'ada', undefined]], true);
    expect(heard.slice(3)).toEqual(['leave bob', 'join ada']);
  });

  it('keeps those of a node that does not answer', () => {
    const { view, heard } = watched();
    view.apply('join', 'red', 'ada', undefined);
    view.expectLists();
    view.replace([], false);
    expect(heard).toEqual(['join ada']);
  });
});
