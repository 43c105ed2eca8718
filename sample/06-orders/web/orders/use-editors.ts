import type { FocusEvent } from 'react';
import { useOthers } from '../envelope.js';
import type { Field } from '../events.js';

/** Where somebody edits: nothing that is stored, and gone with its tab. */
interface Focus {
  readonly order: number;
  readonly field: Field;
}

interface Editors {
  /** The people who edit a field now. */
  readonly of: (field: Field) => readonly string[];
  /** For the form: tell the others in which element with `data-field` this person edits. */
  readonly onFocus: (event: FocusEvent) => void;
  readonly onBlur: () => void;
}

/** Shows in which field of an order others edit, and shows them where this person does. */
export function useEditors(order: number, people: readonly string[]): Editors {
  const { others, set } = useOthers<Focus>('orders');
  return {
    of: (field) =>
      people.filter((person) =>
        others.some(({ key, state }) => key === person && state.order === order && state.field === field),
      ),
    onFocus: ({ target }) => {
      const field = target.closest<HTMLElement>('[data-field]')?.dataset['field'] as Field | undefined;
      set(field === undefined ? null : { order, field });
    },
    onBlur: () => set(null),
  };
}
