import { clientFrame, OP } from '../../support/raw-client.js';
import { asClient, asServer, serverFrame, type Change } from './proxy.js';

/** A server with one fault, and the check that finds it. */
export interface Mutant {
  fault: string;
  check: RegExp;
  change: Change;
}

/** Its text frames, with one of them changed. */
const withMessage = (
  change: (message: Record<string, unknown>) => object | undefined,
): NonNullable<Change['fromClient']> => {
  return ({ message, bytes }) => {
    const changed = message && change(message);
    return [changed === undefined ? bytes : asClient(changed)];
  };
};

/** Faults that real servers had, or that a suite for them once did not find. */
export const MUTANTS: readonly Mutant[] = [
  {
    fault: 'takes any value for a stream',
    check: /are asked for with true alone: not with yes/,
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
    fault: 'swallows messages with a kind',
    check: /with a kind alone are answered/,
    change: {
      fromClient: ({ message, bytes }) =>
        message && 'kind' in message && !('event' in message) ? [] : [bytes],
    },
  },
  {
    fault: 'takes a message with kind and event for none',
    check: /with a kind, of microservices, are events/,
    change: {
      fromClient: withMessage(({ event, ...message }) =>
        'kind' in message ? { ...message, was: event } : undefined,
      ),
    },
  },
  {
    fault: 'takes the last name for the token of bearer',
    check: /a right token, but not behind "bearer"/,
    change: { head: (text) => text.replace(/(?<=bearer)(, ?)[^\r,]+, ?(?=[^\r,]+\r)/, '$1') },
  },
  {
    fault: 'takes the first name for the token of bearer',
    check: /a right token before "bearer"/,
    change: { head: (text) => text.replace(/(?<=Protocol: )(\w+), ?bearer, ?\w+/, 'bearer, $1') },
  },
  {
    fault: 'refuses an event of 256 characters',
    check: /name events of up to 256 characters/,
    change: {
      fromClient: withMessage((message) =>
        String(message['event']).length === 256 ? { ...message, event: 'x'.repeat(257) } : undefined,
      ),
    },
  },
  {
    fault: 'sends a message after the close frame',
    check: /and no message follows the close frame/,
    change: {
      fromServer: ({ opcode, bytes }) =>
        opcode === OP.close ? [bytes, asServer({ event: 'told', data: 'late' })] : [bytes],
    },
  },
  {
    fault: 'never pings',
    check: /pings › come again and again/,
    change: {
      fromServer: ({ opcode, payload, bytes }, { server }) => {
        if (opcode !== OP.ping) return [bytes];
        server.write(clientFrame({ opcode: OP.pong, payload }));
        return [];
      },
    },
  },
  {
    fault: 'never cuts a dead line',
    check: /pings › without an answer end the line/,
    change: {
      fromServer: ({ opcode, payload, bytes }, { server }) => {
        if (opcode === OP.ping) server.write(clientFrame({ opcode: OP.pong, payload }));
        return [bytes];
      },
    },
  },
  {
    fault: 'names an answer wrongly',
    check: /get the answer under another name/,
    change: {
      fromServer: ({ message, bytes }) =>
        message?.['event'] === 'renamed' ? [asServer({ ...message, event: 'rename' })] : [bytes],
    },
  },
];

/** No fault: an answer needs no event. */
export const NAMELESS: Change = {
  fromServer({ message, bytes }) {
    if (message === undefined || !('ack' in message) || message['event'] === 'exception') return [bytes];
    const { event: _, ...answer } = message;
    return [asServer(answer)];
  },
};
