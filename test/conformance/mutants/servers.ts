import { clientFrame, OP } from '../../support/raw-client.js';
import { asClient, asServer, serverFrame, type Change } from './proxy.js';

/** A server with one fault, and the check that finds it. */
export interface Mutant {
  fault: string;
  check: RegExp;
  change: Change;
}

/** Returns a change of some messages of the client. */
const withMessage = (
  change: (message: Record<string, unknown>) => object | undefined,
): NonNullable<Change['fromClient']> => {
  return ({ message, bytes }) => {
    const changed = message && change(message);
    return [changed === undefined ? bytes : asClient(changed)];
  };
};

/** Faults of real servers, and faults that an earlier version of these checks did not find. */
export const MUTANTS: readonly Mutant[] = [
  {
    fault: 'accepts any value as "stream"',
    check: /are requested only with true, not with yes/,
    change: {
      fromClient: withMessage((message) => (message['stream'] ? { ...message, stream: true } : undefined)),
    },
  },
  ...[1, 2, 4].map((bit) => ({
    fault: `accepts the reserved bit ${bit}`,
    check: new RegExp(`with the ${{ 4: 'first', 2: 'second', 1: 'third' }[bit]!} reserved bit`),
    change: {
      fromClient: ({ fin, opcode, payload, rsv, bytes }) =>
        rsv === bit ? [clientFrame({ fin, opcode, payload })] : [bytes],
    } satisfies Change,
  })),
  {
    fault: 'refuses fragments',
    check: /are read in fragments/,
    change: {
      fromClient: ({ fin, bytes }, { client }) => {
        if (!fin) client.end(serverFrame(OP.close, Buffer.from([0x03, 0xeb])));
        return fin ? [bytes] : [];
      },
    },
  },
  {
    fault: 'reads the first fragment alone',
    check: /are read in fragments/,
    change: {
      fromClient: ({ fin, opcode, payload, bytes }) =>
        fin && opcode !== OP.continuation
          ? [bytes]
          : opcode === OP.text
            ? [clientFrame({ opcode, payload })]
            : [],
    },
  },
  {
    fault: 'drops messages with a kind',
    check: /with only a kind are answered/,
    change: {
      fromClient: ({ message, bytes }) =>
        message && 'kind' in message && !('event' in message) ? [] : [bytes],
    },
  },
  {
    fault: 'drops the event of a message with a kind',
    check: /with a kind and an event are events/,
    change: {
      fromClient: withMessage(({ event, ...message }) =>
        'kind' in message ? { ...message, was: event } : undefined,
      ),
    },
  },
  {
    fault: 'reads the last subprotocol as the token of bearer',
    check: /a valid token, but not directly after "bearer"/,
    change: { head: (text) => text.replace(/(?<=bearer)(, ?)[^\r,]+, ?(?=[^\r,]+\r)/, '$1') },
  },
  {
    fault: 'reads the first subprotocol as the token of bearer',
    check: /a valid token before "bearer"/,
    change: { head: (text) => text.replace(/(?<=Protocol: )(\w+), ?bearer, ?\w+/, 'bearer, $1') },
  },
  {
    fault: 'refuses an event of 256 characters',
    check: /may have event names of up to 256 characters/,
    change: {
      fromClient: withMessage((message) =>
        String(message['event']).length === 256 ? { ...message, event: 'x'.repeat(257) } : undefined,
      ),
    },
  },
  {
    fault: 'sends a message after the close frame',
    check: /and sends no message after the close frame/,
    change: {
      fromServer: ({ opcode, bytes }) =>
        opcode === OP.close ? [bytes, asServer({ event: 'told', data: 'late' })] : [bytes],
    },
  },
  {
    fault: 'never pings',
    check: /pings › arrive at the interval of/,
    change: {
      fromServer: ({ opcode, payload, bytes }, { server }) => {
        if (opcode !== OP.ping) return [bytes];
        server.write(clientFrame({ opcode: OP.pong, payload }));
        return [];
      },
    },
  },
  {
    fault: 'never closes a dead connection',
    check: /pings › without an answer close the connection/,
    change: {
      fromServer: ({ opcode, payload, bytes }, { server }) => {
        if (opcode === OP.ping) server.write(clientFrame({ opcode: OP.pong, payload }));
        return [bytes];
      },
    },
  },
  {
    fault: 'sends a wrong event in a response',
    check: /receive the response with another event/,
    change: {
      fromServer: ({ message, bytes }) =>
        message?.['event'] === 'renamed' ? [asServer({ ...message, event: 'rename' })] : [bytes],
    },
  },
];

/** Not a fault: a response needs no event. */
export const WITHOUT_EVENT: Change = {
  fromServer({ message, bytes }) {
    if (message === undefined || !('ack' in message) || message['event'] === 'exception') return [bytes];
    const { event: _, ...answer } = message;
    return [asServer(answer)];
  },
};
