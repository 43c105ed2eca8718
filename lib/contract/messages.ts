import { EXCEPTION_CODES, MAX_ID_LENGTH } from '../protocol/envelope.js';
import type { ContractMessage, JsonSchema } from './asyncapi-types.js';

/** A payload: its schema, `undefined` if unknown (any JSON, or no payload), or `null` for no payload. */
export type Payload = JsonSchema | undefined | null;

const id = (description: string): JsonSchema => ({
  type: ['string', 'integer'],
  minLength: 1,
  maxLength: MAX_ID_LENGTH,
  description,
});

const REQUEST_ID = id('Makes the message a request. Exactly one final answer carries the value as ack.');
const ACK = id(
  'The id of the request that this message answers, unchanged. Absent if the request had no id.',
);

/** Returns the message of an event that clients send. */
export function requestMessage(event: string, data: Payload, isStream: boolean): ContractMessage {
  return message(event, data, {
    id: REQUEST_ID,
    ...(isStream && {
      stream: { const: true, description: 'With id: requests all values, not only the first.' },
    }),
  });
}

/** Returns the message of a handler's answer. */
export function replyMessage(
  event: string,
  data: Payload,
  isStream: boolean,
  text?: string,
): ContractMessage {
  const more = { const: true, description: 'More values follow. Absent: this is the final answer.' };
  const result = message(event, data, { ack: ACK, ...(isStream && { more }) }, !isStream);
  return text === undefined ? result : { ...result, description: text };
}

/** Returns the message of an event that the server emits. */
export function emittedMessage(event: string, data: Payload, text?: string): ContractMessage {
  const result = message(event, data, {});
  return text === undefined ? result : { ...result, description: text };
}

/** Returns the message `exception`, with which the server may answer any message. */
export function exceptionMessage(): ContractMessage {
  return {
    name: 'exception',
    title: 'exception',
    description: 'Says what failed and why. With ack it is the final answer of that request.',
    payload: {
      title: 'Exception',
      type: 'object',
      required: ['event', 'data'],
      properties: {
        event: { const: 'exception' },
        data: {
          title: 'ExceptionData',
          type: ['object', 'array'],
          description: 'An exception filter of the application may return any other object or list.',
          properties: {
            status: { const: 'error' },
            message: {
              type: ['string', 'array'],
              items: { type: 'string' },
              description:
                'A text for people. A failed validation has a list of texts, one for each violation.',
            },
            code: { enum: Object.keys(EXCEPTION_CODES), description: 'The protocol refused the message.' },
            statusCode: { type: 'integer', description: 'The HTTP status.' },
            error: { type: 'string', description: 'The name of the HTTP status.' },
            cause: {
              title: 'ExceptionCause',
              type: 'object',
              description: 'The event or pattern that failed, and its data.',
              properties: { pattern: { type: 'string' }, data: {} },
            },
          },
        },
        ack: ACK,
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
  // a schema with a description alone does not imply a payload
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
