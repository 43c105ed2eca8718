/** What an operator did: an action of `EnvelopeOperations`, or of the explorer's console. */
export type AuditAction =
  | 'drain'
  | 'drain.end'
  | 'limits'
  | 'block'
  | 'unblock'
  | 'announce'
  | 'disconnect'
  | 'disconnectUser'
  | 'join'
  | 'leave'
  | 'emit';

/** One action of an operator. It is published on the node where the operator acted, and on no other. */
export interface AuditRecord {
  readonly action: AuditAction;
  /** Who did it, as the caller says; `undefined`: the caller did not say. */
  readonly by: string | undefined;
  /** The time, in milliseconds since the epoch. */
  readonly at: number;
  /** The path of the server; `undefined`: all paths of the adapter. */
  readonly path: string | undefined;
  /** The id of a client, the name of a user, an address or a room; `undefined`: everybody. */
  readonly target: string | undefined;
  /** What else describes the action, as plain JSON. It never has payloads. */
  readonly details: Readonly<Record<string, unknown>>;
}

/** An action to record. The time is added. */
export type Audited = Pick<AuditRecord, 'action'> & Partial<Omit<AuditRecord, 'action' | 'at'>>;
