import { z } from 'zod';
import { Field } from '../orders/order.js';

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

/** In which field of which order somebody edits: a state that the pages set themselves. */
export const Focus = z.object({ order: z.int(), field: Field });

export const Room = z.object({ room: z.literal(TABLE) }).meta({ id: 'Room' });
export type Room = z.infer<typeof Room>;

/** What `presence.share` emits and the hook `usePresence` reads: PROTOCOL.md says when each field is there. */
export const PresenceChanged = z
  .object({
    room: z.string(),
    rev: z.int(),
    all: z.array(Member).exactOptional(),
    join: z.array(Member).exactOptional(),
    update: z.array(Member).exactOptional(),
    leave: z.array(z.string()).exactOptional(),
    count: z.int().exactOptional(),
  })
  .meta({ id: 'PresenceChanged' });
