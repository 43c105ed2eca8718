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
import { cachedAttributes, classOf, messaging, NAMES, outcomeOf } from './attributes.js';
import { spanOf, traceMetadata } from './propagation.js';

/**
 * Creates a span for each event that handlers process, and adds the active trace to the `meta` of emitted events.
 *
 * @returns functions that stop it
 */
export function traceMessages(tracer: Tracer): (() => void)[] {
  // weak: a handler that never ends must not stay in memory because of its span
  const spans = new WeakMap<HandlerTrace, Span>();
  const addTrace = (emitted: { meta?: object | undefined }): void => {
    const metadata = traceMetadata();
    if (Object.keys(metadata).length > 0) emitted.meta = { ...emitted.meta, ...metadata };
  };
  return [
    observe('handler.start', (handled) => spans.set(handled, begin(tracer, handled))),
    observe('handler.end', (handled) => end(spans.get(handled), handled)),
    observe('emit', addTrace),
    observe('broadcast', addTrace),
  ];
}

const processing = cachedAttributes((route: string) => ({
  ...messaging('process', route),
  [NAMES.operationType]: 'process',
}));

function begin(tracer: Tracer, handled: HandlerTrace): Span {
  const { socket, id, meta } = handled;
  const { route } = socket.nsp;
  const caller = spanOf(meta);
  // not the active context: the events of a connection arrive in the context in which it was opened
  const parent = caller === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, caller);
  const span = tracer.startSpan(
    `process ${route}`,
    {
      // the messaging conventions say CONSUMER; for a request, the definition of span kinds says SERVER
      kind: id === undefined ? SpanKind.CONSUMER : SpanKind.SERVER,
      attributes: processing(route),
    },
    parent,
  );
  // an idle connection keeps its request packed, so unpack it only for a recorded span
  if (span.isRecording()) describe(span, handled, caller === undefined);
  const inside = trace.setSpan(parent, span);
  handled.runIn((run) => context.with(inside, run));
  return span;
}

function describe(span: Span, { socket, id }: HandlerTrace, isRoot: boolean): void {
  span.setAttributes({
    [NAMES.connection]: socket.id,
    [NAMES.request]: socket.requestId,
    ...(id !== undefined && { [NAMES.messageId]: String(id) }),
  });
  // a link, not a parent: a connection outlives its upgrade request by hours, and its events are not part of that trace
  const upgrade = isRoot ? spanOf(socket.headers) : undefined;
  if (upgrade !== undefined) span.addLink({ context: upgrade });
}

function end(span: Span | undefined, handled: HandlerTrace): void {
  if (span === undefined) return;
  if (span.isRecording()) conclude(span, handled);
  span.end();
}

function conclude(span: Span, handled: HandlerTrace): void {
  const { code, declared, error, socket } = handled;
  const { outcome, errorType } = outcomeOf(handled);
  span.setAttribute(NAMES.outcome, outcome);
  if (code !== undefined) span.setAttribute(NAMES.code, code);
  // a client can invent event names, so only declared ones are recorded
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
