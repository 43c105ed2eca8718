import type { IncomingMessage, ServerResponse } from 'node:http';
import { isCloseCode, truncateReason } from '../protocol/close-codes.js';
import type { FoundEndpoint } from '../server/upgrade/endpoint-registry.js';
import { refusal } from '../server/upgrade/http-refusal.js';
import type { HandleRequest, OpenTransport, TransportHost } from '../server/upgrade/transport.js';
import { answerDone, refuse } from './answer.js';
import { Connections } from './connections.js';
import { allowOrigin, answerPreflight, checkOrigin } from './cors.js';
import type { HttpConnection } from './http-connection.js';
import { FOREIGN, OpenRequest, TOO_SLOW } from './open-request.js';
import type { ResolvedHttpStreamingOptions } from './options.js';
import { GONE, TOO_MANY } from './post-queue.js';
import { readBody, type BodyFailure } from './request-body.js';
import { actionOf, withoutAction, type Action } from './target.js';

const OTHER_USER = refusal(403, 'The connection was opened with other credentials');
const BAD_METHOD = refusal(405, 'A request with the query field envelope is a POST', {
  Allow: 'POST, OPTIONS',
});
const BAD_ACTION = refusal(400, 'The query field envelope must be open, listen, send, on or close');
const NEW_HTTP = refusal(505, 'The server takes such requests by HTTP/1.1: let a proxy speak HTTP/2');
const AMBIGUOUS = refusal(400, 'A request has either Content-Length or Transfer-Encoding');
const PIPELINED = refusal(503, 'Send the next request after the answer to this one', { 'Retry-After': '1' });
const NO_NUMBER = refusal(400, 'The header Envelope-Seq must be a whole number from 1 on');
const NO_POSITION = refusal(400, 'The header Envelope-Have must be the number of a message that was sent');
const NO_NDJSON_TYPE = refusal(415, 'The header Content-Type must be application/x-ndjson');
const NO_CLOSE = refusal(400, 'The body must be a JSON object with a close code');
const TOO_LARGE = refusal(413, 'The messages are larger than maxPayload');

/** Bytes of the body of a goodbye. */
const MAX_CLOSE_BODY = 1_024;

/** The times of a connection that ends with its only response. */
const ONE_RESPONSE = { pingTimeout: 0, rotateAfter: 0, rotateAt: Infinity };

type Options = ResolvedHttpStreamingOptions & { readonly node: string };

/** Serves the clients that connect over plain HTTP, on one port. */
export class HttpStreamingTransport implements OpenTransport {
  private readonly connections: Connections;

  constructor(
    private readonly options: Options,
    private readonly host: TransportHost,
  ) {
    this.connections = new Connections(options.node);
  }

  requestHandler(path: string, request: IncomingMessage): HandleRequest | undefined {
    const action = actionOf(request.url);
    const found = action === undefined ? undefined : this.host.find(path);
    return found && ((_, response) => this.handle(action!, found, path, request, response));
  }

  upgradeHandler(): undefined {}

  async close(): Promise<void> {
    this.connections.clear();
  }

  private handle(
    action: Action | 'unknown',
    found: FoundEndpoint,
    path: string,
    request: IncomingMessage,
    response: ServerResponse,
  ): void {
    const { method, headers } = request;
    if (method !== 'POST' && method !== 'OPTIONS') return refuse(request, response, BAD_METHOD);
    // its responses tell neither when the client disconnects, nor when it reads no further
    if (request.httpVersionMajor > 1) return refuse(request, response, NEW_HTTP);
    // Node refuses it, unless it was told not to
    if (headers['content-length'] !== undefined && headers['transfer-encoding'] !== undefined)
      return refuse(request, response, AMBIGUOUS);
    const clientInfo = this.host.identify(request);
    if ('status' in clientInfo) return refuse(request, response, clientInfo);
    const { upgradeTimeout } = this.host.limits;
    const report = (error: unknown): void => this.host.report(error, 'the rule for origins failed');
    checkOrigin(found.endpoint, request, clientInfo, upgradeTimeout, report, (allowed) => {
      if (response.destroyed) return;
      // one that waits for the response before it would not notice when the client disconnects
      if (response.socket === null) return refuse(request, response, PIPELINED);
      if (allowed !== undefined) allowOrigin(request, response, allowed);
      if (method === 'OPTIONS')
        return allowed === undefined ? refuse(request, response, FOREIGN) : answerPreflight(response);
      if (action === 'open' || action === 'listen')
        return this.open(action, found, path, request, response, allowed !== undefined);
      if (allowed === undefined) return refuse(request, response, FOREIGN);
      if (action === 'unknown') return refuse(request, response, BAD_ACTION);
      this.handleOf(action, path, request, response);
    });
  }

  private open(
    action: 'open' | 'listen',
    { endpoint, params }: FoundEndpoint,
    path: string,
    request: IncomingMessage,
    response: ServerResponse,
    isOriginAllowed: boolean,
  ): void {
    const { connections } = this;
    const { rotateAfter, rotateAt, bodyTimeout, cookies } = this.options;
    const { pingTimeout } = endpoint.heartbeatTimes;
    const isListener = action === 'listen';
    const times = isListener ? ONE_RESPONSE : { pingTimeout, rotateAfter, rotateAt };
    request.url = withoutAction(request.url!);
    const settings = { ...times, connections, path, cookies, bodyTimeout, isListener };
    endpoint.connect(new OpenRequest(request, response, settings, isOriginAllowed), path, params);
  }

  /** Handles a request of a connection. */
  private handleOf(
    action: Exclude<Action, 'open' | 'listen'>,
    path: string,
    request: IncomingMessage,
    response: ServerResponse,
  ): void {
    const found = this.connections.find(path, request.headers['envelope-line']);
    if ('status' in found) return refuse(request, response, found);
    if (!found.isOwn(request)) return refuse(request, response, OTHER_USER);
    const { connection } = found;
    if (action === 'on') this.resume(connection, request, response);
    else if (action === 'send') this.send(connection, request, response);
    else this.leave(connection, request, response);
  }

  private resume(connection: HttpConnection, request: IncomingMessage, response: ServerResponse): void {
    const have = numberOf(request.headers['envelope-have']);
    request.resume();
    if (!connection.takeRequest()) return refuse(request, response, TOO_MANY);
    if (have === undefined || !connection.resume(request, response, have))
      refuse(request, response, NO_POSITION);
  }

  private send(connection: HttpConnection, request: IncomingMessage, response: ServerResponse): void {
    const { headers } = request;
    if (connection.isEnded) return refuse(request, response, GONE);
    connection.noteSignOfLife();
    const { posts } = connection;
    // a request costs a message, beside those in it
    if (!connection.takeRequest() || !posts.hasRoom) return refuse(request, response, TOO_MANY);
    this.read(connection, request, response, connection.maxPayload, (body) => {
      if (body === 'too slow') return refuse(request, response, TOO_SLOW);
      if (body === 'too large') {
        refuse(request, response, TOO_LARGE);
        return connection.onTooLarge();
      }
      const { 'envelope-have': have, 'envelope-seq': number, 'content-type': type = '' } = headers;
      if (have !== undefined && !connection.acknowledge(numberOf(have) ?? Infinity))
        return refuse(request, response, NO_POSITION);
      if (number === undefined && body.length === 0) return answerDone(response);
      const seq = numberOf(number);
      if (seq === undefined || seq === 0) return refuse(request, response, NO_NUMBER);
      if (body.length > 0 && !/^application\/x-ndjson\s*(?:;|$)/i.test(type))
        return refuse(request, response, NO_NDJSON_TYPE);
      posts.add(seq, body, (refused) =>
        refused === undefined ? answerDone(response) : refuse(request, response, refused),
      );
    });
  }

  private leave(connection: HttpConnection, request: IncomingMessage, response: ServerResponse): void {
    this.read(connection, request, response, MAX_CLOSE_BODY, (body) => {
      const goodbye = Buffer.isBuffer(body) ? parseClose(body) : undefined;
      if (goodbye === undefined) return refuse(request, response, NO_CLOSE);
      answerDone(response);
      connection.leave(goodbye.code, goodbye.reason);
    });
  }

  /** Reads the body of a request of a connection. Refuses the request if the connection ends meanwhile. */
  private read(
    { posts }: HttpConnection,
    request: IncomingMessage,
    response: ServerResponse,
    maxBytes: number,
    done: (body: Buffer | BodyFailure) => void,
  ): void {
    const leave = (): void => {
      response.off('close', leave);
      posts.leave(end);
    };
    const stop = readBody(request, { maxBytes, timeout: this.options.bodyTimeout }, (body) => {
      leave();
      done(body);
    });
    const end = (): void => {
      leave();
      stop();
      refuse(request, response, GONE);
    };
    response.on('close', leave);
    posts.enter(end);
  }
}

function numberOf(text: string | string[] | undefined): number | undefined {
  if (typeof text !== 'string' || !/^\d{1,16}$/.test(text)) return undefined;
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : undefined;
}

function parseClose(body: Buffer): { code: number; reason: string } | undefined {
  try {
    const { code, reason = '' } = Object(JSON.parse(body.toString() || '{}')) as Record<string, unknown>;
    if ((code !== undefined && !isCloseCode(code)) || typeof reason !== 'string') return undefined;
    // as a close frame without a code
    return { code: (code as number | undefined) ?? 1005, reason: truncateReason(reason) };
  } catch {
    return undefined;
  }
}
