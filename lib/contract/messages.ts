import { EXCEPTION_CODES, MAX_ID_LENGTH } from '../protocol/envelope.js';
import type { ContractMessage, JsonSchema } from './asyncapi-types.js';

/** What is known of a payload: its schema, nothing (`undefined`: any JSON, or none), or that there is none. */
export type Payload = JsonSchema | undefined | null;

const id = (description: string): JsonSchema => ({
  type: ['string', 'integer'],
  minLength: 1,
  maxLength: MAX_ID_LENGTH,
  description,
});

const ASKS = id('Asks for exactly one final answer, which carries it as ack.');
const ANSWERS = id('The id of the request that this answers, verbatim; absent where the message had none.');

/** An event that a client sends. */
export function requestMessage(event: string, data: Payload, isStream: boolean): ContractMessage {
  return message(event, data, {
    id: ASKS,
    ...(isStream && {
      stream: { const: true, description: 'Beside id: all the values, not only the first.' },
    }),
  });
}

/** What a handler answers with. */
export function replyMessage(
  event: string,
  data: Payload,
  isStream: boolean,
  text?: string,
): ContractMessage {
  const more = { const: true, description: 'More values follow. Absent: this is the final answer.' };
  const made = message(event, data, { ack: ANSWERS, ...(isStream && { more }) }, !isStream);
  return text === undefined ? made : { ...made, description: text };
}

/** An event that the server sends by itself. */
export function emittedMessage(event: string, data: Payload, text?: string): ContractMessage {
  const made = message(event, data, {});
  return text === undefined ? made : { ...made, description: text };
}

/** Whatever fails, and why: the protocol's own, possible wherever something was sent. */
export function exceptionMessage(): ContractMessage {
  return {
    name: 'exception',
    title: 'exception',
    description: 'What failed, and why; beside an ack the final answer of that request.',
    payload: {
      title: 'Exception',
      type: 'object',
      required: ['event', 'data'],
      properties: {
        event: { const: 'exception' },
        data: {
          title: 'ExceptionData',
          type: ['object', 'array'],
          description: 'The application may answer with an object or a list of its own.',
          properties: {
            status: { const: 'error' },
            message: {
              type: ['string', 'array'],
              items: { type: 'string' },
              description: 'For people. A failed validation has one for each thing that is wrong.',
            },
            code: { enum: Object.keys(EXCEPTION_CODES), description: 'The protocol refused the message.' },
            statusCode: { type: 'integer', description: 'As of HTTP.' },
            error: { type: 'string', description: 'The name of the status.' },
            cause: {
              title: 'ExceptionCause',
              type: 'object',
              description: 'What the application failed on.',
              properties: { pattern: { type: 'string' }, data: {} },
            },
          },
        },
        ack: ANSWERS,
      },
    },
  };
}

function message(
  event: string,
  data: Payload,
  fields: Readonly<Record<string, JsonSchema>>,
  isComplete = true,
): ContractMessage {
  // words alone do not say that there is a payload
  const isTyped = data !== undefined && data !== null && Object.keys(data).join() !== 'description';
  return {
    name: event,
    title: event,
    payload: {
      type: 'object',
      required: isTyped && isComplete ? ['event', 'data'] : ['event'],
      properties: { event: { const: event }, ...(data !== null && { data: data ?? {} }), ...fields },
    },
  };
}
