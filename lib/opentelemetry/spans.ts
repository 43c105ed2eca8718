import {
  context,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Span,
  type Tracer,
} from '@opentelemetry/api';
import { observe } from '../server/diagnostics/channels.js';
import type { HandlerTrace } from '../server/diagnostics/handler-trace.js';
import { classOf, eachOnce, endingOf, messaging, NAMES } from './attributes.js';
import { spanOf, traceMetadata } from './propagation.js';

/**
 * One span for each event that goes to handlers, and the active trace in the `meta` of what is emitted.
 *
 * @returns what ends it
 */
export function traceMessages(tracer: Tracer): (() => void)[] {
  // a handler that never comes to an end must not be kept for its span
  const spans = new WeakMap<HandlerTrace, Span>();
  const carry = (sent: { meta?: object | undefined }): void => {
    const found = traceMetadata();
    if (Object.keys(found).length > 0) sent.meta = { ...sent.meta, ...found };
  };
  return [
    observe('handler.start', (handled) => spans.set(handled, begin(tracer, handled))),
    observe('handler.end', (handled) => end(spans.get(handled), handled)),
    observe('emit', carry),
    observe('broadcast', carry),
  ];
}

const processing = eachOnce((route: string) => ({
  ...messaging('process', route),
  [NAMES.operationType]: 'process',
}));

function begin(tracer: Tracer, handled: HandlerTrace): Span {
  const { socket, id, meta } = handled;
  const { route } = socket.nsp;
  const caller = spanOf(meta);
  // not the active context: a line's events come in whatever context its connection began in
  const parent = caller === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, caller);
  const span = tracer.startSpan(
    `process ${route}`,
    {
      // the conventions for messaging say CONSUMER; where somebody waits for the answer, their definition of kinds says SERVER
      kind: id === undefined ? SpanKind.CONSUMER : SpanKind.SERVER,
      attributes: processing(route),
    },
    parent,
  );
  // what an idle connection keeps packed is looked at for those only that are recorded
  if (span.isRecording()) describe(span, handled, caller === undefined);
  const inside = trace.setSpan(parent, span);
  handled.runIn((run) => context.with(inside, run));
  return span;
}

function describe(span: Span, { socket, id }: HandlerTrace, isOrphan: boolean): void {
  span.setAttributes({
    [NAMES.connection]: socket.id,
    [NAMES.request]: socket.requestId,
    ...(id !== undefined && { [NAMES.messageId]: String(id) }),
  });
  // a connection outlives the request that made it by hours: what comes over it is no part of that trace
  const upgrade = isOrphan ? spanOf(socket.headers) : undefined;
  if (upgrade !== undefined) span.addLink({ context: upgrade });
}

function end(span: Span | undefined, handled: HandlerTrace): void {
  if (span === undefined) return;
  if (span.isRecording()) conclude(span, handled);
  span.end();
}

function conclude(span: Span, handled: HandlerTrace): void {
  const { code, declared, error, socket } = handled;
  const { outcome, errorType } = endingOf(handled);
  span.setAttribute(NAMES.outcome, outcome);
  if (code !== undefined) span.setAttribute(NAMES.code, code);
  // any client may make up names: those that no handler takes are not told
  if (declared !== undefined) {
    span.setAttribute(NAMES.event, declared);
    span.updateName(`process ${socket.nsp.route} ${declared}`);
  }
  if (errorType !== undefined) {
    const message = error instanceof Error ? error.message : '';
    span.setAttribute(NAMES.errorType, errorType).setStatus({ code: SpanStatusCode.ERROR, message });
    if (error instanceof Error) span.recordException(error);
  } else if (error !== undefined) {
    span.setAttribute(NAMES.exception, classOf(error));
  }
}
