export interface Person {
  readonly id: string;
  readonly name: string;
  readonly initials: string;
}

export const PEOPLE: readonly Person[] = [
  { id: 'ada', name: 'Ada Lindqvist', initials: 'AL' },
  { id: 'bo', name: 'Bo Adeyemi', initials: 'BA' },
  { id: 'cleo', name: 'Cleo Marchetti', initials: 'CM' },
  { id: 'dev', name: 'Dev Raghunathan', initials: 'DR' },
  { id: 'eve', name: 'Eve Sørensen', initials: 'ES' },
];

const OTHERS: Readonly<Record<string, string>> = { shop: 'The web shop', warehouse: 'The warehouse' };

export const personOf = (id: string): Person | undefined => PEOPLE.find((person) => person.id === id);

/** "Ada", "The warehouse" */
export function shortName(id: string): string {
  return personOf(id)?.name.split(' ')[0] ?? OTHERS[id] ?? id;
}

const list = new Intl.ListFormat('en', { type: 'conjunction' });

/** "Ada and Bo" */
export const namesOf = (ids: readonly string[]): string => list.format(ids.map(shortName));
