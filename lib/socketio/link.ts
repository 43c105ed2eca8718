import type { ClientInfo } from '../server/handshake/client-info.js';
import type { ClosedInfo, DisconnectReason } from '../server/transport/disconnect-reason.js';
import type { Outgoing } from '../server/transport/frame.js';
import type { Message } from '../server/transport/message.js';
import type { MessageRate } from '../server/transport/message-rate.js';
import type { PacketEncoding } from './packet-encoding.js';

/** The data of CONNECT_ERROR. */
export interface ConnectError {
  readonly message: string;
  readonly data?: unknown;
}

/** The connection of one Socket.IO client, as its namespaces use it. */
export interface Link {
  /** The id of the engine, which is the session id of polling. */
  readonly id: string;
  readonly clientInfo: ClientInfo;
  readonly rate: MessageRate;
  /** The name of the engine's transport: `websocket` or `polling`. */
  readonly transportName: string;
  /** Whether messages can be sent. */
  readonly isOpen: boolean;
  /** Whether nothing is read. */
  readonly isPaused: boolean;
  /** Bytes that were written, and that the operating system has not taken. */
  readonly unwrittenBytes: number;
  /** Whether the client takes no more at the moment. */
  readonly needsDrain: boolean;
  /** Whether enough waits: a source that can wait should, until {@link drained}. */
  readonly isBusy: boolean;
  /** Writes messages. @returns the bytes of the largest single write */
  write(items: readonly Outgoing[]): number;
  sendConnectError(encoding: PacketEncoding, error: ConnectError): void;
  sendDisconnect(encoding: PacketEncoding): void;
  /** Tells a client why it is disconnected: Socket.IO has no close codes. */
  sendException(encoding: PacketEncoding, message: string, closeCode: number): void;
  /** Reads nothing more until {@link release} was called as often. */
  hold(): void;
  release(): void;
  /** Resolves when the client takes more, or the link has ended. */
  drained(): Promise<void>;
  /** Calls back whenever the client takes more. @returns a function that removes the callback */
  watchDrain(listener: () => void): () => void;
  /** Calls back when the client changes to a WebSocket. @returns a function that removes the callback */
  watchTransport(listener: () => void): () => void;
  /** A request to join a namespace was accepted. */
  joined(encoding: PacketEncoding, connection: LinkMember): void;
  /** A request to join a namespace was refused, with an error for the client; without one, it was abandoned. */
  refused(encoding: PacketEncoding, error?: ConnectError): void;
  /** A connection has left its namespace. */
  left(encoding: PacketEncoding): void;
  /**
   * Ends the link: disconnects the client from its other namespaces, then closes the engine. What was sent before still
   * arrives.
   */
  end(reason: DisconnectReason): void;
  /** Cuts the link without a closing handshake. */
  cut(): void;
  /** Calls back when the engine has closed. */
  whenClosed(callback: () => void): void;
}

/** A connection to one namespace, as its link uses it. */
export interface LinkMember {
  receive(message: Message): void;
  /** Takes a message over the rate. */
  receiveExcess(message: Message): void;
  /** Writes what waits: the link is about to end. */
  flush(): void;
  /** The client has left the namespace, or the link has ended. */
  lost(reason: DisconnectReason, closed: ClosedInfo): void;
  /** The peer reads too slowly. */
  overflow(): void;
}
