import { z } from 'zod';

// Schemas of all messages. The gateway validates with them, and the contract, from which the types of the page are made, is read
// from them. An `id` names a schema there.

export const Status = z.enum(['new', 'packing', 'shipped', 'delivered']).meta({ id: 'Status' });
export type Status = z.infer<typeof Status>;

/** The fields that people edit. */
const editable = {
  status: Status,
  quantity: z.int('a whole number').min(1, 'at least 1').max(500, 'at most 500'),
  due: z.iso.date('a date'),
  note: z.string().max(280, 'at most 280 characters'),
};
export const Field = z.enum(['status', 'quantity', 'due', 'note']).meta({ id: 'Field' });
export type Field = z.infer<typeof Field>;

/** A version is the time of a change, by a clock that never goes back: of two versions of an order, the higher one is newer. */
const version = z.int().min(0);

export const Order = z
  .object({
    id: z.int(),
    customer: z.string(),
    city: z.string(),
    item: z.string(),
    ...editable,
    version,
    /** Who made this version: a person, the web shop or the warehouse. */
    by: z.string(),
    /** Delivered some time ago: no longer in the table. */
    isArchived: z.boolean(),
  })
  .meta({ id: 'Order' });
export type Order = z.infer<typeof Order>;

/** What somebody changed in one field. */
export const Change = z
  .object({
    field: Field,
    from: z.union([z.string(), z.number()]),
    to: z.union([z.string(), z.number()]),
    by: z.string(),
    version,
  })
  .meta({ id: 'Change' });
export type Change = z.infer<typeof Change>;

/** All orders as they were in `version`. */
export const Orders = z.object({ orders: z.array(Order), version }).meta({ id: 'Orders' });
export type Orders = z.infer<typeof Orders>;

export const OrderRef = z.object({ id: z.int() }).meta({ id: 'OrderRef' });
export type OrderRef = z.infer<typeof OrderRef>;

/** An order with its latest changes, the newest first. */
export const OrderDetails = z.object({ order: Order, history: z.array(Change) }).meta({ id: 'OrderDetails' });
export type OrderDetails = z.infer<typeof OrderDetails>;

/** New values of some fields. */
export const Changes = z
  .object({
    status: editable.status.exactOptional(),
    quantity: editable.quantity.exactOptional(),
    due: editable.due.exactOptional(),
    note: editable.note.exactOptional(),
  })
  .meta({ id: 'Changes' });
export type Changes = z.infer<typeof Changes>;

/** An edit of the version of an order that the editor has seen. */
export const Edit = z.object({ id: z.int(), version, changes: Changes }).meta({ id: 'Edit' });
export type Edit = z.infer<typeof Edit>;

/** A conflict names the fields that somebody else has changed since that version. Nothing is saved then. */
export const EditResult = z
  .discriminatedUnion('outcome', [
    z.object({ outcome: z.literal('saved'), order: Order }),
    z.object({ outcome: z.literal('conflict'), order: Order, fields: z.array(Field) }),
  ])
  .meta({ id: 'EditResult' });
export type EditResult = z.infer<typeof EditResult>;

/** A new order, or new values of one. */
export const OrderChanged = z.object({ order: Order, changes: z.array(Change) }).meta({ id: 'OrderChanged' });
export type OrderChanged = z.infer<typeof OrderChanged>;
