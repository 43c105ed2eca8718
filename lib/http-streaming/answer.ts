import type { IncomingMessage, ServerResponse } from 'node:http';
import { answerRefusal, type HttpRefusal } from '../server/upgrade/http-refusal.js';

const NO_STORE = { 'Cache-Control': 'no-store' };

/** Answers a request without a body: it was done. */
export function answerDone(response: ServerResponse): void {
  if (response.destroyed) return;
  response.writeHead(204, NO_STORE).end();
}

/** Answers with a refusal. Closes the TCP connection where the body was not read: the next request could not be found. */
export function refuse(request: IncomingMessage, response: ServerResponse, answer: HttpRefusal): void {
  if (response.destroyed) return;
  const { status, body, headers } = answer;
  answerRefusal(
    response,
    { status, body, headers: { ...NO_STORE, ...headers } },
    request.complete || request.httpVersionMajor > 1,
  );
}
