/** The people of this sample, who sign in without a password: 02-auth has real tokens. */
export const PEOPLE: ReadonlySet<unknown> = new Set(['ada', 'bo', 'cleo', 'dev', 'eve']);

/** They change orders, too, and are not people. See DemoTraffic. */
export const SHOP = 'shop';
export const WAREHOUSE = 'warehouse';
