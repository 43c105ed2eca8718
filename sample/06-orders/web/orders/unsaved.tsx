import type { Field, Order } from '../events.js';
import { FIELD_NAMES, valueName } from '../ui/formats.js';
import { Icon } from '../ui/icons.js';
import { conflictsOf, type Draft } from './drafts.js';
import type { Drafts } from './use-drafts.js';
import { addressOf, linkId } from './use-open-order.js';

interface UnsavedProps {
  readonly drafts: Drafts;
  readonly orders: ReadonlyMap<number, Order>;
  /** This order shows its edits itself. */
  readonly openId: number | undefined;
  readonly isConnected: boolean;
}

/** Edits that are not saved, of orders that are not open: those that wait, those that failed, and those with a conflict. */
export function Unsaved({ drafts, orders, openId, isConnected }: UnsavedProps) {
  const rows = [...drafts.all].filter(([id]) => id !== openId || !orders.has(id));
  const failed = rows.filter(([id, { state }]) => state === 'failed' && orders.has(id));
  const isAllSent = rows.every(([, { state }]) => state === 'sent');
  const edits = rows.length === 1 ? 'One edit' : `${rows.length} edits`;
  if (rows.length === 0) return null;
  const repeatAll = (): void => {
    for (const [id] of failed) void drafts.save(orders.get(id)!);
  };
  return (
    <section className="unsaved" aria-labelledby="unsaved-title">
      <header>
        <h2 id="unsaved-title">
          {edits} {isAllSent ? (isConnected ? 'on the way' : 'waiting for the connection') : 'not saved'}
        </h2>
        {failed.length > 1 && (
          <button type="button" disabled={!isConnected} onClick={repeatAll}>
            Try all again
          </button>
        )}
      </header>
      <ul>
        {rows.map(([id, draft]) => (
          <Row
            key={id}
            id={id}
            draft={draft}
            order={orders.get(id)}
            drafts={drafts}
            isConnected={isConnected}
          />
        ))}
      </ul>
    </section>
  );
}

interface RowProps {
  readonly id: number;
  readonly draft: Draft;
  readonly order: Order | undefined;
  readonly drafts: Drafts;
  readonly isConnected: boolean;
}

function Row({ id, draft, order, drafts, isConnected }: RowProps) {
  const conflicts = order === undefined ? [] : conflictsOf(draft, order);
  /** The button goes away: the focus moves to the order. */
  const leave = (action: () => void): void => {
    action();
    document.getElementById(linkId(id))?.focus();
  };
  return (
    <li data-state={draft.state}>
      <Icon name={draft.state === 'sent' ? 'clock' : conflicts.length > 0 ? 'swap' : 'warning'} />
      <div className="edit">
        <p>
          <a href={addressOf(id)}>#{id}</a> {editsOf(draft)}
        </p>
        <p className="why">{whyNot(draft, order, conflicts, isConnected)}</p>
      </div>
      <div className="choices">
        {order !== undefined && conflicts.length === 0 && draft.state !== 'sent' && (
          <button type="button" onClick={() => leave(() => void drafts.save(order))}>
            {draft.state === 'failed' ? 'Try again' : 'Save'}
            <span className="visually-hidden"> order {id}</span>
          </button>
        )}
        {conflicts.length > 0 && (
          <a className="button" href={addressOf(id)}>
            Decide<span className="visually-hidden"> about order {id}</span>
          </a>
        )}
        <button type="button" className="quiet" onClick={() => leave(() => drafts.discard(id))}>
          Discard<span className="visually-hidden"> the edit of order {id}</span>
        </button>
      </div>
    </li>
  );
}

function editsOf({ fields }: Draft): string {
  const entries = Object.entries(fields) as [Field, { to: string | number }][];
  return entries
    .map(([field, { to }]) => `${FIELD_NAMES[field].toLowerCase()} ${valueName(field, to)}`)
    .join(', ');
}

function whyNot(
  draft: Draft,
  order: Order | undefined,
  conflicts: readonly Field[],
  isConnected: boolean,
): string {
  if (order === undefined) return 'This order is no longer in the table.';
  if (draft.state === 'failed') return `Failed: ${draft.error}.`;
  if (conflicts.length > 0) return 'Somebody else has changed the same.';
  if (draft.state === 'sent') return isConnected ? 'Is being saved.' : 'Waits for the connection.';
  return 'You have not saved it yet.';
}
