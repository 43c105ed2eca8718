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

type Message = Record<string, unknown>;

/** Returns a change of the answers of the server, except those to `$ping`, by which the checks wait. */
function withAnswer(change: (answer: Message) => object): NonNullable<Change['fromServer']> {
  return ({ message, bytes }) =>
    message === undefined || !('ack' in message) || message['event'] === '$ping'
      ? [bytes]
      : [asServer(change(message))];
}

/** Returns a change of the data of exceptions. */
function withRefusal(change: (data: Message) => object): NonNullable<Change['fromServer']> {
  return ({ message, bytes }) =>
    message?.['event'] === 'exception'
      ? [asServer({ ...message, data: change(message['data'] as Message) })]
      : [bytes];
}

/** Returns a change of the data of `$session`. */
function withSession(change: (data: Message) => object): NonNullable<Change['fromServer']> {
  return ({ message, bytes }) =>
    message?.['event'] === '$session'
      ? [asServer({ ...message, data: change(message['data'] as Message) })]
      : [bytes];
}

const isRefusal = (message: Message | undefined, code: string): boolean =>
  message?.['event'] === 'exception' && (message['data'] as Message)['code'] === code;

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
  {
    fault: 'answers a numeric id with a text',
    check: /are answered with the same id/,
    change: { fromServer: withAnswer((answer) => ({ ...answer, ack: String(answer['ack']) })) },
  },
  {
    fault: 'takes 1 and "1" for the same id',
    check: /distinguish the ids/,
    change: { fromServer: withAnswer((answer) => ({ ...answer, ack: 1 })) },
  },
  {
    fault: 'sends its final answers twice',
    check: /receive exactly one final response: a value/,
    change: {
      fromServer: ({ message, bytes }) =>
        message !== undefined && 'ack' in message ? [bytes, bytes] : [bytes],
    },
  },
  {
    fault: 'never ends a stream',
    check: /send each value with "more", and an end/,
    change: { fromServer: withAnswer((answer) => ({ ...answer, more: true })) },
  },
  {
    fault: 'ends a stream with its first value',
    check: /send each value with "more", and an end/,
    change: { fromServer: withAnswer(({ more: _, ...answer }) => answer) },
  },
  {
    fault: 'sends an event before $session',
    check: /sends \$session first and once/,
    change: {
      fromServer: ({ message, bytes }) =>
        message?.['event'] === '$session' ? [asServer({ event: 'told' }), bytes] : [bytes],
    },
  },
  {
    fault: 'sends $session to everybody',
    check: /needs no header, no subprotocol/,
    change: {
      fromServer: ({ message, bytes }) =>
        message !== undefined && 'ack' in message
          ? [asServer({ event: '$session', data: {} }), bytes]
          : [bytes],
    },
  },
  {
    fault: 'closes the connection at an unknown event',
    check: /without a handler are each refused/,
    change: {
      fromServer: ({ message, bytes }) =>
        isRefusal(message, 'unknown_event')
          ? [bytes, serverFrame(OP.close, Buffer.from([0x03, 0xf0]))]
          : [bytes],
    },
  },
  {
    fault: 'repeats the payload in a refusal',
    check: /bad_frame › refuses invalid JSON/,
    change: { fromServer: withRefusal((data) => ({ ...data, message: 'secret' })) },
  },
  {
    fault: 'has codes of its own',
    check: /bad_event › refuses an invalid event/,
    change: { fromServer: withRefusal((data) => ({ ...data, code: 'invalid' })) },
  },
  {
    fault: 'answers refused requests without their id',
    check: /bad_event › refuses an invalid event/,
    change: {
      fromServer: ({ message, bytes }) => {
        if (message?.['event'] !== 'exception') return [bytes];
        const { ack: _, ...rest } = message;
        return [asServer(rest)];
      },
    },
  },
  {
    fault: 'takes a message with id and ack for an answer',
    check: /ignore a response that also has an id/,
    change: {
      fromClient: withMessage(({ id, ...message }) =>
        'ack' in message && id !== undefined ? message : undefined,
      ),
    },
  },
  {
    fault: 'takes answers of another type for its own',
    check: /accept one response, and ignore late/,
    change: {
      fromClient: withMessage((message) =>
        typeof message['ack'] === 'string' && /^\d+$/.test(message['ack'])
          ? { ...message, ack: Number(message['ack']) }
          : undefined,
      ),
    },
  },
  {
    fault: 'ignores $cancel',
    check: /end after \$cancel with one final response/,
    change: { fromClient: ({ message, bytes }) => (message?.['event'] === '$cancel' ? [] : [bytes]) },
  },
  {
    fault: 'does not answer pings of RFC 6455',
    check: /pings of RFC 6455 are answered/,
    change: { fromServer: ({ opcode, bytes }) => (opcode === OP.pong ? [] : [bytes]) },
  },
  {
    fault: 'closes with 1000, whatever the client closes with',
    check: /with the code that the client closes with/,
    change: {
      fromServer: ({ opcode, bytes }) =>
        opcode === OP.close ? [serverFrame(OP.close, Buffer.from([0x03, 0xe8]))] : [bytes],
    },
  },
  {
    fault: 'forgets what a client sends before $session',
    check: /handles what a client sends before \$session/,
    change: {
      fromClient: withMessage((message) =>
        message['id'] === 1 ? { ...message, event: 'nothing' } : undefined,
      ),
    },
  },
  {
    fault: 'lets the first of two fields with one name count',
    check: /may have any field in meta, and any name twice/,
    change: {
      fromClient: withMessage((message) => (message['data'] === 2 ? { ...message, data: 1 } : undefined)),
    },
  },
  {
    fault: 'says that nothing was recovered',
    check: /restores the id, and sends missed messages/,
    change: { fromServer: withSession((session) => ({ ...session, recovered: false })) },
  },
  {
    fault: 'gives the same token again',
    check: /recovers repeatedly, each time with a new token/,
    change: { fromServer: withSession((session) => ({ ...session, session: 'a.b' })) },
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
