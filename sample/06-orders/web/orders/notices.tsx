import { addressOf } from './use-open-order.js';

interface NoticesProps {
  /** Orders that changed while the page was not connected. */
  readonly away: readonly number[];
  /** An order that is in the address and not in the table. */
  readonly missing: number | undefined;
  readonly isOffline: boolean;
  readonly onSeen: () => void;
}

export function Notices({ away, missing, isOffline, onSeen }: NoticesProps) {
  return (
    <>
      {isOffline && (
        <p className="notice offline">
          <span>
            <strong>No connection.</strong> You see the orders as they were. You can go on: edits wait, and
            are saved when the connection is back.
          </span>
        </p>
      )}
      {missing !== undefined && (
        <p className="notice">
          Order #{missing} is no longer in the table. <a href="#/">Close it</a>
        </p>
      )}
      {!isOffline && away.length > 0 && (
        <p className="notice away" role="status">
          <span>
            <strong>Welcome back.</strong> While you were away,{' '}
            {away.length === 1 ? 'this order' : 'these orders'} changed:{' '}
            {away.map((id) => (
              <a key={id} href={addressOf(id)}>
                #{id}
              </a>
            ))}
          </span>
          <button type="button" onClick={onSeen}>
            Got it
          </button>
        </p>
      )}
    </>
  );
}
