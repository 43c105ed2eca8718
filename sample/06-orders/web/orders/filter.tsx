import type { Order, Status } from '../events.js';
import { STATUS_NAMES, STATUSES } from '../ui/formats.js';

interface FilterProps {
  readonly orders: readonly Order[];
  readonly value: Status | undefined;
  readonly onChange: (status: Status | undefined) => void;
}

export function Filter({ orders, value, onChange }: FilterProps) {
  const count = (status: Status): number => orders.filter((order) => order.status === status).length;
  return (
    <fieldset className="filter">
      <legend className="visually-hidden">Show orders</legend>
      <Choice
        name="All"
        count={orders.length}
        isChosen={value === undefined}
        onChoose={() => onChange(undefined)}
      />
      {STATUSES.map((status) => (
        <Choice
          key={status}
          name={STATUS_NAMES[status]}
          count={count(status)}
          isChosen={value === status}
          onChoose={() => onChange(status)}
        />
      ))}
    </fieldset>
  );
}

interface ChoiceProps {
  readonly name: string;
  readonly count: number;
  readonly isChosen: boolean;
  readonly onChoose: () => void;
}

function Choice({ name, count, isChosen, onChoose }: ChoiceProps) {
  return (
    <label>
      <input type="radio" name="filter" checked={isChosen} onChange={onChoose} />
      {name} <span className="count">{count}</span>
    </label>
  );
}
