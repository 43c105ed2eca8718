import type { Changes, Field, Order } from '../events.js';

export type Value = string | number;

interface DraftField {
  /** The value that the new one replaces: the one that the editor saw. */
  readonly from: Value;
  readonly to: Value;
}

/** New values of an order that are not saved yet. */
export interface Draft {
  readonly fields: Readonly<Partial<Record<Field, DraftField>>>;
  /** `sent`: the request waits for the connection, or for its answer. */
  readonly state: 'editing' | 'sent' | 'failed';
  /** Why it failed. */
  readonly error?: string;
}

const entriesOf = (draft: Draft): [Field, DraftField][] =>
  Object.entries(draft.fields) as [Field, DraftField][];

function withFields(draft: Draft, entries: [Field, DraftField][]): Draft | undefined {
  return entries.length === 0 ? undefined : { ...draft, fields: Object.fromEntries(entries) };
}

/** Sets a field. A field that gets its old value back is not edited any more. */
export function editField(
  draft: Draft | undefined,
  order: Order,
  field: Field,
  to: Value,
): Draft | undefined {
  const from = draft?.fields[field]?.from ?? order[field];
  const before: Draft = { fields: draft?.fields ?? {}, state: 'editing' };
  return to === from || to === order[field]
    ? dropField(before, field)
    : { ...before, fields: { ...before.fields, [field]: { from, to } } };
}

export function dropField(draft: Draft, field: Field): Draft | undefined {
  return withFields(
    { ...draft, state: 'editing' },
    entriesOf(draft).filter(([name]) => name !== field),
  );
}

/** Replaces the value that somebody else has set meanwhile. */
export function keepField(draft: Draft, order: Order, field: Field): Draft {
  const edited = draft.fields[field];
  if (edited === undefined) return draft;
  return { ...draft, fields: { ...draft.fields, [field]: { from: order[field], to: edited.to } } };
}

/** Without the fields that have the new value already, whoever set it. */
export function settle(draft: Draft, order: Order): Draft | undefined {
  return withFields(
    draft,
    entriesOf(draft).filter(([field, { to }]) => order[field] !== to),
  );
}

/** The fields that somebody else has set to another value since they were edited here. */
export function conflictsOf(draft: Draft, order: Order): Field[] {
  return entriesOf(draft)
    .filter(([field, { from, to }]) => order[field] !== from && order[field] !== to)
    .map(([field]) => field);
}

export function changesOf(draft: Draft): Changes {
  return Object.fromEntries(entriesOf(draft).map(([field, { to }]) => [field, to]));
}

/** The order with the new values. */
export function withDraft(order: Order, draft: Draft | undefined): Order {
  return draft === undefined ? order : { ...order, ...changesOf(draft) };
}
