import type { Change, Field, Order, Status } from '../events.js';

export const STATUS_NAMES: Readonly<Record<Status, string>> = {
  new: 'New',
  packing: 'Packing',
  shipped: 'Shipped',
  delivered: 'Delivered',
};
export const STATUSES = Object.keys(STATUS_NAMES) as Status[];

export const FIELD_NAMES: Readonly<Record<Field, string>> = {
  status: 'Status',
  quantity: 'Quantity',
  due: 'Due date',
  note: 'Note',
};

const DAY = 24 * 60 * 60 * 1_000;
const WEEKDAY = new Intl.DateTimeFormat('en', { weekday: 'long', timeZone: 'UTC' });
const DATE = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short', timeZone: 'UTC' });
const TIME = new Intl.DateTimeFormat('en', { hour: '2-digit', minute: '2-digit', hour12: false });
const AGO = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });

/** "today", "Thursday", "5 Dec" */
export function dayName(date: string): string {
  const days = Math.round((Date.parse(date) - Date.parse(new Date().toISOString().slice(0, 10))) / DAY);
  if (Number.isNaN(days)) return 'no date';
  if (Math.abs(days) < 2) return AGO.format(days, 'day');
  return days > 0 && days < 7 ? WEEKDAY.format(Date.parse(date)) : DATE.format(Date.parse(date));
}

export const isLate = ({ due, status }: Order): boolean =>
  status !== 'delivered' && due < new Date().toISOString().slice(0, 10);

export const timeOf = (milliseconds: number): string => TIME.format(milliseconds);

/** A value of a field, in words. */
export function valueName(field: Field, value: string | number): string {
  if (field === 'status') return STATUS_NAMES[value as Status] ?? String(value);
  if (field === 'due') return dayName(String(value));
  if (field === 'note') return value === '' ? 'no note' : `“${value}”`;
  return String(value);
}

/** "quantity from 3 to 5" */
export const changeName = ({ field, from, to }: Change): string =>
  field === 'note'
    ? `note to ${valueName(field, to)}`
    : `${FIELD_NAMES[field].toLowerCase()} from ${valueName(field, from)} to ${valueName(field, to)}`;
