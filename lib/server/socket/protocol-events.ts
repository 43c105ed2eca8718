import { Refusal, type Envelope, type RequestId } from '../../protocol/envelope.js';
import type { EnvelopeSocket } from './envelope-socket.js';
import { IncomingPacket, type IncomingRequest } from './incoming-request.js';
import { readFreshAuth, reauthenticate } from './reauthentication.js';

/** What the protocol's own events need of the router. */
interface Router {
  openRequest(
    client: EnvelopeSocket,
    event: string,
    id: RequestId,
    stream: boolean,
  ): IncomingRequest | undefined;
  refuse(client: EnvelopeSocket, refusal: Refusal): void;
}

/** Runs `$ping`, `$cancel` and `$auth` (PROTOCOL.md); other names with `$` are refused. */
export function runProtocolEvent(router: Router, client: EnvelopeSocket, envelope: Envelope): void {
  const { event, data, id } = envelope;
  if (event === '$auth') return runAuth(router, client, envelope);
  if (event !== '$ping' && event !== '$cancel')
    return client._lifecycle.inbound!.refuseMalformed(
      new Refusal('reserved_event', 'names that begin with "$" are reserved', id),
    );
  client._lifecycle.inbound!.strikes = 0;
  if (event === '$cancel') cancel(router, client, data as RequestId | undefined);
  if (id !== undefined) router.openRequest(client, event, id, false)?.answer();
}

/** Ends a request that is in flight, or waits. */
function cancel(router: Router, client: EnvelopeSocket, id: RequestId | undefined): void {
  // messages without an id wait, too
  if (id === undefined) return;
  const request = client._requests.get(id);
  if (request !== undefined) return request.cancel();
  const waiting = client._lifecycle.inbound!.withdraw(id);
  if (waiting?.packet !== undefined) new IncomingPacket(client._requests, waiting.packet, id).answer();
  else if (waiting !== undefined) router.openRequest(client, waiting.event!, id, true)?.answer();
}

/** Runs the guards of the upgrade again, with the credentials that the client sends now. */
function runAuth(router: Router, client: EnvelopeSocket, { data, meta, id }: Envelope): void {
  const inbound = client._lifecycle.inbound!;
  const auth = readFreshAuth(data, meta);
  if (auth === undefined)
    return inbound.refuseMalformed(new Refusal('bad_frame', '$auth takes data, or a token in meta', id));
  const { gateway } = client.nsp._config;
  // without guards nothing checks the credentials: they must not replace those that a middleware may have checked
  if (gateway.reauthenticate === undefined)
    return router.refuse(client, new Refusal('unknown_event', 'no guard here looks at "$auth"', id));
  if (inbound.isAuthenticating)
    return router.refuse(client, new Refusal('rate_limited', 'another $auth is being looked at', id));
  const request = id === undefined ? undefined : router.openRequest(client, '$auth', id, false);
  if (id !== undefined && request === undefined) return;
  inbound.strikes = 0;
  inbound.isAuthenticating = true;
  const runGuards = async (): Promise<object | undefined> => gateway.reauthenticate?.(client);
  void reauthenticate(client, auth, request, runGuards).then((refused) => {
    inbound.isAuthenticating = false;
    if (refused === undefined) request?.answer(client._lifecycle.expiry?.told);
    else if (request === undefined) client._outbound.fail(refused);
    else request.fail(refused);
    inbound.runWaiting();
  });
}
