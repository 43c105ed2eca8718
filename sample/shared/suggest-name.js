const FIRST = ['Quiet', 'Swift', 'Amber', 'Merry', 'Lucky', 'Brave'];
const SECOND = ['Heron', 'Otter', 'Lynx', 'Finch', 'Badger', 'Moth'];

/** Returns a name for somebody who has not chosen one. */
export function suggestName() {
  const pick = (list) => list[Math.floor(Math.random() * list.length)];
  return `${pick(FIRST)} ${pick(SECOND)}`;
}
