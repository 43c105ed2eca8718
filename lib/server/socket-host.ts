import type { RawData } from 'ws';
import type { Envelope } from '../protocol/envelope.js';
import type { Untyped } from '../protocol/typed-events.js';
import type { BroadcastOperator } from './broadcast-operator.js';
import type { Namespace } from './contract.js';
import type { Failures } from './failures.js';
import type { Intake } from './intake.js';
import type { ConnectionLimits } from './limits.js';

type Targeting =
  'emit' | 'to' | 'in' | 'except' | 'local' | 'volatile' | 'compress' | 'timeout' | 'emitWithAck';
type Utilities = 'fetchSockets' | 'socketsJoin' | 'socketsLeave' | 'disconnectSockets';

/** What takes a client's messages. */
export interface Inbound {
  receive(socket: Intake, data: RawData, isBinary: boolean): void;
  /** @returns whether it was an answer that the server waits for */
  takeAnswer(socket: Intake, data: RawData, isBinary: boolean): boolean;
  /** A message that waited has its turn. */
  receiveEvent(socket: Intake, envelope: Envelope): void;
  /** A listener's promise was rejected. */
  listenerFailed(socket: Intake, error: unknown, event: string, args: readonly unknown[]): void;
  /** The client sends more than it may. */
  refuseFlood(socket: Intake, data: RawData, isBinary: boolean): void;
}

/** The server of a socket: all that `client.nsp` offers. */
export interface SocketHost extends Namespace, Pick<BroadcastOperator<Untyped>, Targeting | Utilities> {
  /** @internal */
  readonly _limits: ConnectionLimits;
  /** @internal */
  readonly _failures: Failures;
  /** @internal */
  readonly _receiver: Inbound;
  /** @internal */
  readonly _isClosing: boolean;
  /** @internal For what a client did: sampled. */
  _warn(subject: string, text: string): void;
  /** @internal */
  _remove(socket: Intake): void;
  /** @internal Takes the handlers of one gateway, bound to one client. */
  _bind(socket: Intake, handlers: unknown): void;
  /** @internal What the gateway side knows of the gateways on this path. */
  readonly _gateways: unknown;
  /** @internal There are guards to ask. */
  readonly _canReauthenticate: boolean;
  /** @internal Asks the guards of the upgrade anew; never rejects. @returns what the client is told if one refuses */
  _reauthenticate(socket: Intake): Promise<object | undefined>;
  /** @internal A promise that a shutdown waits for. */
  _await(promise: Promise<void>): void;
}
