import type { Attributes, Counter, Meter } from '@opentelemetry/api';
import { observe } from '../server/diagnostics/channels.js';
import type { ClosedInfo } from '../server/transport/disconnect-reason.js';
import { cachedAttributes, messaging, NAMES, OTHER, outcomeOf } from './attributes.js';
import { observeCounters, RouteCounter } from './route-counter.js';

/** Histogram boundaries in seconds. The conventions recommend them for `messaging.process.duration`. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/**
 * Counts events with the instruments of a meter.
 *
 * @returns functions that stop it
 */
export function countEvents(meter: Meter): (() => void)[] {
  return [
    ...countMessages(meter),
    ...countConnections(meter),
    ...countRefusals(meter),
    measureHandlers(meter, cachedAttributes(processed)),
  ];
}

function countConnections(meter: Meter): (() => void)[] {
  const opened = counter(meter, 'envelope.connections.opened', '{connection}', 'Clients that connected');
  const closed = counter(meter, 'envelope.connections.closed', '{connection}', 'Clients that disconnected');
  return [
    observe('connect', ({ socket }) => opened.add(1, { [NAMES.destination]: socket.nsp.route })),
    observe('disconnect', ({ socket, reason, closed: info }) =>
      closed.add(1, {
        [NAMES.destination]: socket.nsp.route,
        [NAMES.reason]: reason,
        [NAMES.closeCode]: closeCode(info),
      }),
    ),
  ];
}

/** Counts refused upgrades and messages, dropped messages, and limits that were hit. */
function countRefusals(meter: Meter): (() => void)[] {
  const upgrades = counter(
    meter,
    'envelope.upgrades.refused',
    '{request}',
    'Upgrades answered with an error',
  );
  const refused = counter(meter, 'envelope.messages.refused', '{message}', 'Messages that were refused');
  const dropped = counter(
    meter,
    'envelope.drops',
    '{message}',
    'Messages that were dropped before they were sent',
  );
  const limits = counter(meter, 'envelope.limits.hit', '{hit}', 'Limits that were hit');
  return [
    // without the path: the client chooses it if no gateway is mounted on it
    observe('upgrade.refuse', ({ status, why = OTHER }) =>
      upgrades.add(1, { [NAMES.status]: status, [NAMES.refusal]: why }),
    ),
    observe('message.refuse', ({ socket, code }) =>
      refused.add(1, { [NAMES.destination]: socket.nsp.route, [NAMES.code]: code }),
    ),
    observe('drop', ({ socket, why }) =>
      dropped.add(1, { [NAMES.destination]: socket.nsp.route, [NAMES.drop]: why }),
    ),
    observe('limit', ({ limit, socket }) =>
      limits.add(1, {
        [NAMES.limit]: limit,
        ...(socket && { [NAMES.destination]: socket.nsp.route }),
      }),
    ),
  ];
}

/** Records how long the handlers of each event take. */
function measureHandlers(meter: Meter, attributesOf: typeof processed): () => void {
  const duration = meter.createHistogram('messaging.process.duration', {
    unit: 's',
    description: 'Time from an event to the end of its last handler, including streams',
    advice: { explicitBucketBoundaries: BUCKETS },
  });
  return observe('handler.end', (handled) => {
    const { outcome, errorType } = outcomeOf(handled);
    const { route } = handled.socket.nsp;
    const attributes = attributesOf(route, handled.declared ?? OTHER, outcome, errorType);
    duration.record((performance.now() - handled.startedAt) / 1_000, attributes);
  });
}

function counter(meter: Meter, name: string, unit: string, description: string): Counter {
  return meter.createCounter(name, { unit, description });
}

function processed(route: string, event: string, outcome: string, errorType: string | undefined): Attributes {
  return {
    ...messaging('process', route),
    [NAMES.event]: event,
    [NAMES.outcome]: outcome,
    ...(errorType !== undefined && { [NAMES.errorType]: errorType }),
  };
}

/** Counts every message. */
function countMessages(meter: Meter): (() => void)[] {
  const [consumed, bytes, emitted, broadcast] = [
    new RouteCounter(),
    new RouteCounter(),
    new RouteCounter(),
    new RouteCounter(),
  ];
  const received = (route: string): Attributes => ({
    [NAMES.destination]: route,
    [NAMES.direction]: 'receive',
  });
  const by = (operation: string) => (route: string) => messaging(operation, route);
  return [
    observe('message', ({ socket, bytes: size }) => {
      const { route } = socket.nsp;
      consumed.add(route, 1);
      bytes.add(route, size);
    }),
    observe('emit', ({ socket }) => emitted.add(socket.nsp.route, 1)),
    observe('broadcast', ({ server }) => broadcast.add(server.route, 1)),
    observeCounters(meter, 'messaging.client.consumed.messages', '{message}', 'Messages received', [
      [consumed, by('receive')],
    ]),
    observeCounters(meter, 'envelope.io', 'By', 'Bytes of received messages', [[bytes, received]]),
    observeCounters(
      meter,
      'messaging.client.sent.messages',
      '{message}',
      'Events emitted. A broadcast counts as one',
      [
        [emitted, by('emit')],
        [broadcast, by('broadcast')],
      ],
    ),
  ];
}

/** Returns the close code for an attribute. A client can choose any of 2,000 codes, so those are grouped. */
function closeCode({ code, initiator }: ClosedInfo): string {
  return initiator === 'client' && code >= 3_000 ? OTHER : String(code);
}
