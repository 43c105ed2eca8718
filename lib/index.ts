export { EnvelopeAdapter } from './nest/envelope-adapter.js';
export { tolerant } from './server/cluster/tolerant-client.js';
export {
  ENVELOPE_OPTIONS,
  EnvelopeModule,
  getEnvelopeServerToken,
  InjectEnvelopeServer,
  type EnvelopeAsyncOptions,
  type EnvelopeOptionsFactory,
} from './nest/envelope-module.js';
export type { CompressionOptions } from './nest/options/compression-options.js';
export type { EnvelopeOptions, GatewayOptions, PathOptions, UpgradeGuards } from './nest/options/options.js';
export {
  EnvelopeOperations,
  type Block,
  type BlockOptions,
  type BlockTarget,
  type DrainOptions,
  type OperatorOptions,
} from './nest/operations/envelope-operations.js';
export type { ErrorContext, OnError } from './nest/options/error-hook.js';
export { Ordered } from './nest/handlers/ordered.js';
export { Signal } from './nest/handlers/signal.js';
export { EnvelopeExceptionFilter } from './nest/errors/envelope-exception-filter.js';
export { RoomLimitError } from './nest/errors/room-limit-error.js';
export type { LimitChanges, Limits, PathLimits } from './nest/options/limits.js';
export type { RecoveryOptions } from './nest/options/recovery-options.js';
export { CLOSE_CODES, type CloseCode } from './protocol/close-codes.js';
export type { Envelope, ErrorCode, ExceptionPayload, RequestId } from './protocol/envelope.js';
export { DisconnectedError } from './protocol/disconnected-error.js';
export type { EnvelopeErrorCode } from './protocol/error-codes.js';
export { RequestError } from './protocol/request-error.js';
export { TimeoutError } from './protocol/timeout-error.js';
export type { DefaultEventsMap, EventsMap, Untyped } from './protocol/typed-events.js';
export { BroadcastOperator } from './server/rooms/broadcast-operator.js';
export type { ReachableSocket, Rooms } from './server/rooms/adapter-types.js';
export type { ClusterStatus } from './server/diagnostics/types.js';
export type { AuditAction, AuditRecord } from './server/diagnostics/audit.js';
export { observe, type EnvelopeDiagnostics } from './server/diagnostics/channels.js';
export type { ClosedInfo, DisconnectReason } from './server/transport/disconnect-reason.js';
export { EnvelopeServer } from './server/namespace/envelope-server.js';
export { EnvelopeSocket } from './server/socket/envelope-socket.js';
export type { HandlerOutcome, HandlerTrace } from './server/diagnostics/handler-trace.js';
export type { Handshake } from './server/handshake/handshake.js';
export type { AdapterFactory } from './server/rooms/adapter-factory.js';
export { user } from './server/handshake/user-name.js';
export { AbortError, type AbortCause } from './server/socket/abort-error.js';
export { messageContext, type MessageContext } from './server/socket/message-context.js';
export type { Restored } from './server/recovery/types.js';
export type { MountedServer, ObservedServer, ObservedSocket } from './server/diagnostics/types.js';
export { Presence, type Present } from './server/presence/presence.js';
export type { ShareOptions, ShareStatesOptions } from './server/presence/share-rules.js';
export type { SharedMember, SharedNews, SharedState } from './server/presence/shared-room.js';
export type { PresenceEvent } from './server/presence/presence-view.js';
export type { MessagesOptions, RoomMessage, RoomMessages } from './server/rooms/room-messages.js';
export { RemoteSocket } from './server/rooms/remote-socket.js';
export type { Cors, CorsOptions, OriginFunction, OriginRule } from './server/upgrade/origin.js';
export type { Hosts } from './server/upgrade/own-hosts.js';
export type { TrustProxy } from './server/upgrade/client-address.js';
