import type { Type } from '@nestjs/common';

/** A JSON Schema of OpenAPI. */
type Schema = Readonly<Record<string, unknown>>;

/** What the documentation says of one route. */
interface RouteDocument {
  readonly summary: string;
  readonly body?: Schema;
  readonly query?: Readonly<Record<string, { readonly description: string; readonly required: boolean }>>;
  /** Whether it takes the header `Idempotency-Key`. */
  readonly isIdempotent?: boolean;
  readonly status: number;
  readonly answer: Schema;
}

const name: Schema = { oneOf: [{ type: 'string' }, { type: 'number' }] };
const names = (description: string): Schema => ({
  description,
  oneOf: [name, { type: 'array', items: name }],
});

const target: Schema = {
  path: { type: 'string', description: 'The path of a gateway. Default: the main one.', example: '/ws' },
  to: names('Rooms.'),
  users: names('Users, as the guards name them.'),
  except: names('Rooms that are left out.'),
};

const message: Schema = {
  type: 'object',
  required: ['event'],
  additionalProperties: false,
  properties: {
    ...target,
    event: { type: 'string', example: 'news' },
    data: { description: 'Any JSON.' },
    volatile: {
      type: 'boolean',
      description: 'Drops the message for clients that read slowly.',
      default: false,
    },
  },
};

export const EMIT: RouteDocument = {
  summary: 'Sends one event, or several, to rooms, users or all clients of a path',
  body: { oneOf: [message, { type: 'array', items: message }] },
  isIdempotent: true,
  status: 202,
  answer: {
    type: 'object',
    properties: { accepted: { type: 'integer', description: 'The number of messages.' } },
  },
};

export const DISCONNECT: RouteDocument = {
  summary: 'Disconnects rooms, users or all clients of a path',
  body: {
    type: 'object',
    additionalProperties: false,
    properties: {
      ...target,
      all: { type: 'boolean', description: 'All clients of the path.', default: false },
      close: {
        type: 'boolean',
        description: 'Ends connections that Socket.IO clients share.',
        default: false,
      },
    },
  },
  isIdempotent: true,
  status: 202,
  answer: { type: 'object', properties: { accepted: { type: 'integer' } } },
};

export const PRESENCE: RouteDocument = {
  summary: 'Lists the members of a room on all nodes',
  query: {
    room: { description: 'The room.', required: true },
    path: { description: 'The path of a gateway. Default: the main one.', required: false },
  },
  status: 200,
  answer: {
    type: 'array',
    items: { type: 'object', properties: { key: { type: 'string' }, metas: { type: 'array', items: {} } } },
  },
};

/**
 * Describes a route for `@nestjs/swagger`. It writes the metadata that the decorators of that package write, so that an
 * application without it needs nothing.
 */
export function describeRoute(controller: Type, method: string, document: RouteDocument): void {
  const handler = (controller.prototype as Record<string, object>)[method]!;
  const { summary, body, query = {}, isIdempotent = false, status, answer } = document;
  const parameters: Schema[] = Object.entries(query).map(([parameter, { description, required }]) => ({
    in: 'query',
    name: parameter,
    description,
    required,
    type: String,
  }));
  if (isIdempotent)
    parameters.push({
      in: 'header',
      name: 'idempotency-key',
      description: 'A request with the same key and body is done once.',
      required: false,
      type: String,
    });
  if (body !== undefined) parameters.push({ in: 'body', required: true, type: String, schema: body });
  Reflect.defineMetadata('swagger/apiOperation', { summary }, handler);
  Reflect.defineMetadata('swagger/apiParameters', parameters, handler);
  Reflect.defineMetadata(
    'swagger/apiResponse',
    {
      [status]: { description: 'Done.', schema: answer },
      400: { description: 'A malformed request. `message` names the place.' },
      404: { description: 'No gateway has the path.' },
    },
    handler,
  );
  Reflect.defineMetadata('swagger/apiUseTags', ['envelope'], controller);
}
