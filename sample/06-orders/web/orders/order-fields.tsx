import { useId, type ReactNode } from 'react';
import type { Field, Order } from '../events.js';
import { Avatars } from '../people/avatar.js';
import { shortName } from '../people/people.js';
import { FIELD_NAMES, STATUS_NAMES, STATUSES, valueName } from '../ui/formats.js';
import { Icon } from '../ui/icons.js';
import type { Value } from './drafts.js';
import type { Drafts } from './use-drafts.js';

const MAX_NOTE = 280;

interface FieldsProps {
  /** The order with the edits. */
  readonly shown: Order;
  /** The order as it is on the server. */
  readonly order: Order;
  readonly conflicts: readonly Field[];
  /** Who changed a field last, if that is known. */
  readonly authorOf: (field: Field) => string | undefined;
  /** Who else edits a field now. */
  readonly editorsOf: (field: Field) => readonly string[];
  readonly drafts: Drafts;
}

export function OrderFields({ shown, order, conflicts, authorOf, editorsOf, drafts }: FieldsProps) {
  const id = useId();
  const set = (field: Field) => (value: Value) => drafts.edit(order, field, value);
  /** The buttons of the conflict go away: the focus moves to the field. */
  const decide = (field: Field, choose: Drafts['keepMine']): void => {
    choose(order, field);
    document.getElementById(`${id}-${field}`)?.focus();
  };
  const conflict = (field: Field): ReactNode =>
    conflicts.includes(field) && (
      <Conflict
        field={field}
        mine={shown[field]}
        theirs={order[field]}
        by={authorOf(field)}
        onKeep={() => decide(field, drafts.keepMine)}
        onTake={() => decide(field, drafts.takeTheirs)}
      />
    );
  const editors = (field: Field): ReactNode => (
    <Avatars ids={editorsOf(field)} doing={`editing the ${FIELD_NAMES[field].toLowerCase()}`} />
  );
  return (
    <>
      <fieldset className="field" data-field="status">
        <legend>Status</legend>
        {editors('status')}
        <div className="segments">
          {STATUSES.map((status) => (
            <label key={status} data-status={status}>
              <input
                type="radio"
                id={shown.status === status ? `${id}-status` : undefined}
                name={`${id}-status`}
                checked={shown.status === status}
                onChange={() => set('status')(status)}
              />
              <Icon name={status} />
              {STATUS_NAMES[status]}
            </label>
          ))}
        </div>
        {conflict('status')}
      </fieldset>
      <div className="pair">
        <div className="field" data-field="quantity">
          <label htmlFor={`${id}-quantity`}>Quantity</label>
          {editors('quantity')}
          <Quantity id={`${id}-quantity`} value={shown.quantity} onChange={set('quantity')} />
        </div>
        <div className="field" data-field="due">
          <label htmlFor={`${id}-due`}>Due</label>
          {editors('due')}
          <input
            id={`${id}-due`}
            type="date"
            required
            value={shown.due}
            onChange={({ target }) => set('due')(target.value)}
          />
        </div>
        {conflict('quantity')}
        {conflict('due')}
      </div>
      <div className="field" data-field="note">
        <label htmlFor={`${id}-note`}>Note</label>
        {editors('note')}
        <textarea
          id={`${id}-note`}
          rows={3}
          maxLength={MAX_NOTE}
          value={shown.note}
          onChange={({ target }) => set('note')(target.value)}
        />
        {conflict('note')}
      </div>
    </>
  );
}

interface QuantityProps {
  readonly id: string;
  readonly value: Value;
  readonly onChange: (value: Value) => void;
}

function Quantity({ id, value, onChange }: QuantityProps) {
  const step = (by: number): void => onChange(Math.min(500, Math.max(1, Number(value) + by)));
  return (
    <div className="stepper">
      <button type="button" aria-label="One less" onClick={() => step(-1)}>
        <Icon name="minus" />
      </button>
      <input
        id={id}
        type="number"
        inputMode="numeric"
        min={1}
        max={500}
        required
        value={value}
        // an empty field is a text, which the browser does not submit
        onChange={({ target }) => onChange(target.value === '' ? '' : Number(target.value))}
      />
      <button type="button" aria-label="One more" onClick={() => step(1)}>
        <Icon name="plus" />
      </button>
    </div>
  );
}

interface ConflictProps {
  readonly field: Field;
  readonly mine: Value;
  readonly theirs: Value;
  readonly by: string | undefined;
  readonly onKeep: () => void;
  readonly onTake: () => void;
}

/** Somebody else set this field to another value meanwhile. */
function Conflict({ field, mine, theirs, by, onKeep, onTake }: ConflictProps) {
  const name = by === undefined ? 'Somebody' : shortName(by);
  return (
    <div className="conflict" role="group" aria-label={`Conflict: ${FIELD_NAMES[field]}`}>
      <p role="alert">
        <strong>{name}</strong> changed the {FIELD_NAMES[field].toLowerCase()} to{' '}
        <b>{valueName(field, theirs)}</b> while you were editing.
      </p>
      <div>
        <button type="button" onClick={onTake}>
          Take {field === 'note' ? 'that note' : valueName(field, theirs)}
        </button>
        <button type="button" onClick={onKeep}>
          Keep {field === 'note' ? 'your note' : valueName(field, mine)}
        </button>
      </div>
    </div>
  );
}
