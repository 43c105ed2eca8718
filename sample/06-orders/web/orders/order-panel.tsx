import { useEffect, useRef, type FormEvent, type KeyboardEvent } from 'react';
import { useSubscription } from '../envelope.js';
import type { Change, Order } from '../events.js';
import { Avatar } from '../people/avatar.js';
import { namesOf, shortName } from '../people/people.js';
import { changeName, timeOf } from '../ui/formats.js';
import { Icon } from '../ui/icons.js';
import { conflictsOf, withDraft, type Draft } from './drafts.js';
import { OrderFields } from './order-fields.js';
import type { Drafts } from './use-drafts.js';
import { useEditors } from './use-editors.js';
import { authorOf, changeDetails } from './table-state.js';
import { closeOrder, linkId } from './use-open-order.js';

interface PanelProps {
  readonly order: Order;
  readonly draft: Draft | undefined;
  readonly drafts: Drafts;
  /** Others who have this order open. */
  readonly others: readonly string[];
  readonly isConnected: boolean;
}

/** One order, to read and to edit. */
export function OrderPanel({ order, draft, drafts, others, isConnected }: PanelProps) {
  const { id, customer, city, item } = order;
  // as long as it is subscribed, colleagues see this person on the order
  const { data } = useSubscription(
    'order.open',
    { id },
    { leave: 'order.close', on: { 'order.changed': changeDetails } },
  );
  const history = data?.history ?? [];
  const editors = useEditors(id, others);
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    title.current?.focus();
    // back to where it was opened
    return () => document.getElementById(linkId(id))?.focus();
  }, [id]);

  const conflicts = draft === undefined ? [] : conflictsOf(draft, order);
  const isSaving = draft?.state === 'sent' && isConnected;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    void drafts.save(order);
  };
  const closeOnEscape = (event: KeyboardEvent): void => {
    if (event.key === 'Escape') closeOrder();
  };

  return (
    <section className="panel" aria-labelledby="panel-title" onKeyDown={closeOnEscape}>
      <header>
        <div>
          <h2 id="panel-title" ref={title} tabIndex={-1}>
            Order #{id}
          </h2>
          <p>
            {customer}, {city}
          </p>
          <p className="item">{item}</p>
        </div>
        <button type="button" className="icon-button" aria-label="Close" onClick={closeOrder}>
          <Icon name="close" />
        </button>
      </header>

      <p className="company" role="status">
        {others.length > 0 && (
          <>
            {others.map((person) => (
              <Avatar key={person} id={person} size="small" />
            ))}
            <span>
              {namesOf(others)} {others.length > 1 ? 'are' : 'is'} here, too
            </span>
          </>
        )}
      </p>

      <form onSubmit={submit}>
        <fieldset className="fields" aria-busy={isSaving} onFocus={editors.onFocus} onBlur={editors.onBlur}>
          <legend className="visually-hidden">What can be changed</legend>
          <OrderFields
            shown={withDraft(order, draft)}
            order={order}
            conflicts={conflicts}
            authorOf={(field) => authorOf(history, field)}
            editorsOf={editors.of}
            drafts={drafts}
          />
        </fieldset>
        <Outcome draft={draft} conflicts={conflicts.length} isConnected={isConnected} />
        <div className="actions">
          <button
            type="submit"
            className="primary"
            // not `disabled`: that would take the focus away
            aria-disabled={draft === undefined || conflicts.length > 0 || draft.state === 'sent'}
          >
            {draft?.state === 'failed' ? 'Try again' : isSaving ? 'Saving …' : 'Save'}
          </button>
          <button
            type="button"
            aria-disabled={draft === undefined || isSaving}
            onClick={() => drafts.discard(id)}
          >
            Discard
          </button>
        </div>
      </form>

      <History changes={history} />
    </section>
  );
}

interface OutcomeProps {
  readonly draft: Draft | undefined;
  readonly conflicts: number;
  readonly isConnected: boolean;
}

function Outcome({ draft, conflicts, isConnected }: OutcomeProps) {
  if (draft === undefined) return null;
  if (draft.state === 'failed')
    return (
      <p className="outcome failed">
        <Icon name="warning" />
        Not saved: {draft.error}.
      </p>
    );
  if (conflicts > 0)
    return (
      <p className="outcome">
        <Icon name="swap" />
        Choose which value stays. Then you can save.
      </p>
    );
  if (draft.state === 'sent' && !isConnected)
    return (
      <p className="outcome">
        <Icon name="clock" />
        Waits for the connection, and is saved then.
      </p>
    );
  return null;
}

function History({ changes }: { readonly changes: readonly Change[] }) {
  if (changes.length === 0) return null;
  return (
    <section className="history" aria-labelledby="history-title">
      <h3 id="history-title">History</h3>
      <ol>
        {changes.map((change) => (
          <li key={`${change.version} ${change.field}`}>
            <Avatar id={change.by} size="small" />
            <span>
              <strong>{shortName(change.by)}</strong> changed {changeName(change)}
            </span>
            <time dateTime={new Date(change.version).toISOString()}>{timeOf(change.version)}</time>
          </li>
        ))}
      </ol>
    </section>
  );
}
