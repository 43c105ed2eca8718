import type { KeyboardEvent } from 'react';
import type { Field, Order } from '../events.js';
import { Avatars } from '../people/avatar.js';
import { shortName } from '../people/people.js';
import { dayName, isLate, STATUS_NAMES } from '../ui/formats.js';
import { Icon } from '../ui/icons.js';
import { conflictsOf, withDraft, type Draft } from './drafts.js';
import type { Mark, Marks } from './use-marks.js';
import { addressOf, linkId } from './use-open-order.js';

interface TableProps {
  readonly orders: readonly Order[];
  readonly marks: Marks;
  readonly drafts: ReadonlyMap<number, Draft>;
  readonly peopleOn: ReadonlyMap<number, readonly string[]>;
  readonly openId: number | undefined;
  readonly isConnected: boolean;
}

const COLUMNS = [
  ['Order', 'order'],
  ['Customer and item', 'note'],
  ['Quantity', 'quantity'],
  ['Due', 'due'],
  ['Status', 'status'],
  ['People', 'people'],
] as const;

// The roles are those of the elements. On a phone they are no table cells any more, and browsers would forget them.
export function OrdersTable({ orders, marks, drafts, peopleOn, openId, isConnected }: TableProps) {
  return (
    <table className="orders" role="table" aria-label="Orders">
      <thead role="rowgroup">
        <tr role="row">
          {COLUMNS.map(([name, className]) => (
            <th key={name} role="columnheader" scope="col" className={className}>
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup" onKeyDown={moveFocus}>
        {orders.map((order) => (
          <Row
            key={order.id}
            order={order}
            mark={marks.get(order.id)}
            draft={drafts.get(order.id)}
            people={peopleOn.get(order.id) ?? []}
            isOpen={order.id === openId}
            isConnected={isConnected}
          />
        ))}
      </tbody>
    </table>
  );
}

/** The arrow keys go from order to order. */
function moveFocus(event: KeyboardEvent<HTMLElement>): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step === undefined) return;
  const links = [...event.currentTarget.querySelectorAll<HTMLElement>('a')];
  const next = links[links.indexOf(event.target as HTMLElement) + step];
  if (next === undefined) return;
  event.preventDefault();
  next.focus();
}

interface RowProps {
  readonly order: Order;
  readonly mark: Mark | undefined;
  readonly draft: Draft | undefined;
  readonly people: readonly string[];
  readonly isOpen: boolean;
  readonly isConnected: boolean;
}

function Row({ order, mark, draft, people, isOpen, isConnected }: RowProps) {
  // what was sent is shown as it will be
  const shown = withDraft(order, draft?.state === 'sent' ? draft : undefined);
  const { id, customer, city, item, quantity, due, status, note } = shown;
  /** Lets a cell that changed appear anew, so that its animation starts. */
  const cell = (field: Field) => {
    const isMarked = mark !== undefined && mark.kind !== 'new' && mark.fields.includes(field);
    return {
      role: 'cell',
      key: isMarked ? `${field} ${mark.version}` : field,
      className: `${field} ${isMarked ? `changed ${mark.kind}` : ''}`,
    };
  };
  const { key: noteKey, ...noteCell } = cell('note');
  const { key: quantityKey, ...quantityCell } = cell('quantity');
  const { key: dueKey, ...dueCell } = cell('due');
  const { key: statusKey, ...statusCell } = cell('status');
  return (
    <tr
      role="row"
      className={mark?.kind === 'new' ? 'arrived' : ''}
      data-status={status}
      aria-current={isOpen || undefined}
    >
      <th role="rowheader" scope="row" className="order">
        <a id={linkId(id)} href={addressOf(id)}>
          #{id}
        </a>
        <RowTag mark={mark} draft={draft} order={order} isConnected={isConnected} />
      </th>
      <td key={noteKey} {...noteCell}>
        <span className="customer">
          <b>{customer}</b>, {city}
        </span>
        <span className="item">
          {item}
          {note !== '' && (
            <span className="has-note" title={note}>
              <Icon name="note" />
              <span className="visually-hidden">, with a note</span>
            </span>
          )}
        </span>
      </td>
      <td key={quantityKey} {...quantityCell}>
        {quantity}
        <span className="unit" aria-hidden="true">
          ×
        </span>
      </td>
      <td key={dueKey} {...dueCell}>
        <time dateTime={due} className={isLate(shown) ? 'late' : ''}>
          {dayName(due)}
          {isLate(shown) && <span className="visually-hidden">, late</span>}
        </time>
      </td>
      <td key={statusKey} {...statusCell}>
        <span className="pill" data-status={status}>
          <Icon name={status} />
          {STATUS_NAMES[status]}
        </span>
      </td>
      <td role="cell" className="people">
        <Avatars ids={people} doing="on this order" />
      </td>
    </tr>
  );
}

function RowTag({ mark, draft, order, isConnected }: Omit<RowProps, 'people' | 'isOpen'>) {
  if (draft !== undefined) {
    if (draft.state === 'failed') return <span className="tag failed">Not saved</span>;
    if (conflictsOf(draft, order).length > 0) return <span className="tag failed">Conflict</span>;
    if (draft.state === 'sent') return <span className="tag">{isConnected ? 'Saving' : 'Waiting'}</span>;
    return <span className="tag">Editing</span>;
  }
  if (mark === undefined || mark.kind === 'new') return null;
  return (
    <span key={mark.version} className={`tag by ${mark.kind}`} data-person={mark.by}>
      <span className="visually-hidden">changed by </span>
      {shortName(mark.by)}
    </span>
  );
}
