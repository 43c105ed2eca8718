import type { Order, Status } from './order.js';

type NewOrder = Omit<Order, 'id' | 'version' | 'by' | 'isArchived'>;

const DAY = 24 * 60 * 60 * 1_000;
const dateIn = (now: Date, days: number): string =>
  new Date(now.getTime() + days * DAY).toISOString().slice(0, 10);

export const COFFEES = [
  'Guji, whole bean, 250 g',
  'Huila, espresso, 1 kg',
  'Nyeri AA, filter, 250 g',
  'House blend, 1 kg',
  'Sidama decaf, 250 g',
  'Antigua, whole bean, 500 g',
];

const CUSTOMERS: readonly (readonly [name: string, city: string])[] = [
  ['Lina Okafor', 'Leeds'],
  ['Café Morgenrot', 'Berlin'],
  ['Tomás Rivera', 'Valencia'],
  ['The Quiet Room', 'Dublin'],
  ['Aiko Tanaka', 'Utrecht'],
  ['Studio Nord', 'Malmö'],
  ['Priya Raman', 'Bristol'],
  ['Bakery Lind', 'Bergen'],
  ['Noah Weiss', 'Graz'],
  ['Kaffibarinn', 'Reykjavík'],
  ['Sofia Marino', 'Turin'],
  ['Hotel Belvedere', 'Ghent'],
  ['Jonas Berg', 'Oslo'],
  ['Little Harbour', 'Cork'],
];

const FIRST: readonly (readonly [status: Status, quantity: number, days: number, note: string])[] = [
  ['shipped', 4, 0, ''],
  ['packing', 24, 0, 'Deliver to the back door, before 9.'],
  ['packing', 2, 1, ''],
  ['new', 12, 1, 'Grind for a Moccamaster.'],
  ['delivered', 1, -1, ''],
  ['packing', 8, 1, ''],
  ['new', 2, 2, 'A gift: no invoice in the parcel, please.'],
  ['shipped', 30, 0, ''],
  ['new', 1, 2, ''],
  ['new', 16, 3, 'Call before delivery.'],
  ['delivered', 3, -2, ''],
  ['packing', 40, 1, 'Two pallets at most.'],
  ['new', 2, 4, ''],
  ['new', 10, 5, ''],
];

export function firstOrders(now: Date): NewOrder[] {
  return FIRST.map(([status, quantity, days, note], index) => {
    const [customer, city] = CUSTOMERS[index]!;
    const item = COFFEES[index % COFFEES.length]!;
    return { customer, city, item, status, quantity, due: dateIn(now, days), note };
  });
}

/** An order as the web shop gets it: of any customer. */
export function nextOrder(now: Date): NewOrder {
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(Math.random() * items.length)]!;
  const [customer, city] = pick(CUSTOMERS);
  const quantity = pick([1, 1, 2, 2, 3, 6, 12]);
  return {
    customer,
    city,
    item: pick(COFFEES),
    status: 'new',
    quantity,
    due: dateIn(now, pick([1, 2, 3, 5])),
    note: '',
  };
}
