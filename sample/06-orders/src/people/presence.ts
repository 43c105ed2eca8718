import { z } from 'zod';

/** The room of those who look at the table. */
export const TABLE = 'orders';

/** What somebody does in one tab. */
export const Activity = z
  .object({
    /** The order that is open. */
    order: z.int().nullable(),
  })
  .meta({ id: 'Activity' });
export type Activity = z.infer<typeof Activity>;

/** Somebody who looks at the table, with one activity for each tab. */
export const Member = z.object({ key: z.string(), metas: z.array(Activity) }).meta({ id: 'Member' });
export type Member = z.infer<typeof Member>;

export const Room = z.object({ room: z.literal(TABLE) }).meta({ id: 'Room' });
export type Room = z.infer<typeof Room>;

/** Members who came or do something else, and the keys of those who left: what the hook `usePresence` reads. */
export const PeopleChanged = z
  .object({ room: z.string(), join: z.array(Member), leave: z.array(z.string()) })
  .meta({ id: 'PeopleChanged' });
export type PeopleChanged = z.infer<typeof PeopleChanged>;
