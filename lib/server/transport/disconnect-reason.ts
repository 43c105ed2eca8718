/** Why a client has disconnected, in Socket.IO's words; `handleDisconnect` gets one of them. */
export type DisconnectReason =
  /** `client.disconnect()`, `client.close()`, `server.disconnectSockets()` */
  | 'server namespace disconnect'
  /** the application closes */
  | 'server shutting down'
  /** the peer closed with 1000, or without a code */
  | 'client namespace disconnect'
  /** the peer closed otherwise, or vanished */
  | 'transport close'
  /** the TCP connection failed */
  | 'transport error'
  /** the peer broke RFC 6455, or sent more than `maxPayload` */
  | 'parse error'
  /** no sign of life within `pingInterval + pingTimeout` */
  | 'ping timeout'
  /** `client.terminate()` */
  | 'forced close';

/** How a connection ended. */
export interface ClosedInfo {
  /** The close code that was received or sent; 1006 without one. */
  readonly code: number;
  /** The close reason, often empty. */
  readonly reason: string;
  /** Whether a closing handshake was at least started. */
  readonly wasClean: boolean;
  /** Who ended it. */
  readonly initiator: 'client' | 'server' | 'network';
}

const PARSE_ERRORS: Readonly<Record<string, number>> = {
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: 1009,
  WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH: 1009,
  WS_ERR_TOO_MANY_BUFFERED_PARTS: 1008,
  WS_ERR_INVALID_UTF8: 1007,
};

/** Returns the code that `ws` closes with on an error of its own; `undefined`: the TCP connection failed. */
function parseErrorCode(error: NodeJS.ErrnoException | undefined): number | undefined {
  // an error of zlib: the peer's data did not inflate
  if (error?.code?.startsWith('Z_') === true) return 1007;
  if (error?.code?.startsWith('WS_ERR_') !== true) return undefined;
  return PARSE_ERRORS[error.code] ?? 1002;
}

/** Describes how a connection ended that this side did not close. */
export function describeEnd(
  code: number,
  reason: string,
  error: NodeJS.ErrnoException | undefined,
): [DisconnectReason, ClosedInfo] {
  const parseError = parseErrorCode(error);
  if (parseError !== undefined) {
    return ['parse error', { code: parseError, reason: '', wasClean: false, initiator: 'server' }];
  }
  if (error !== undefined)
    return ['transport error', { code: 1006, reason, wasClean: false, initiator: 'network' }];
  if (code === 1006) return ['transport close', { code, reason, wasClean: false, initiator: 'network' }];
  const word = code === 1000 || code === 1005 ? 'client namespace disconnect' : 'transport close';
  return [word, { code, reason, wasClean: true, initiator: 'client' }];
}
