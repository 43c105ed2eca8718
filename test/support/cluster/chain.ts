/** One link of a chain such as `server.local.to('room').emit('news', 1)`: a property, or a call if it has `args`. */
export interface Step {
  name: string;
  args?: unknown[];
}

const STEPS = Symbol('steps');

/** Records what a function does with an object that may be in another process: a chain of properties and calls. */
export function record<Target>(chain: (target: Target) => unknown): Step[] {
  return (chain(recorder([]) as Target) as { [STEPS]: Step[] })[STEPS];
}

function recorder(steps: readonly Step[]): unknown {
  return new Proxy(() => undefined, {
    get: (_, name) => (name === STEPS ? steps : recorder([...steps, { name: String(name) }])),
    apply: (_, __, args) => {
      const called = steps.at(-1)!;
      return recorder([...steps.slice(0, -1), { name: called.name, args }]);
    },
  });
}

/** Applies a recorded chain to an object. */
export function replay(target: unknown, steps: readonly Step[]): unknown {
  return steps.reduce<unknown>((owner, { name, args }) => {
    const member: unknown = Reflect.get(owner as object, name, owner);
    return args === undefined ? member : Reflect.apply(member as () => unknown, owner, args);
  }, target);
}

/** A socket as a node sees it. */
export interface SocketView {
  id: string;
  rooms: (string | number)[];
  data: Record<string, unknown>;
  handshake: {
    headers: Record<string, string>;
    query: Record<string, string>;
    auth: Record<string, unknown>;
    address: string;
    url: string;
    time: string;
    issued: number;
    secure: boolean;
    xdomain: boolean;
  };
}

/** The result of a chain as data: sockets as views, and `undefined` for operators and similar objects. */
export type Outcome = { value?: unknown } | { failed: { message: string; responses?: unknown } };

/** Replays a chain and awaits its result. */
export async function perform(target: () => unknown, steps: readonly Step[]): Promise<Outcome> {
  try {
    const value = view(await replay(await target(), steps));
    // as between processes, even with a single process
    return JSON.parse(JSON.stringify({ value })) as Outcome;
  } catch (error) {
    const { message, responses } = error as Error & { responses?: unknown };
    return { failed: { message: message ?? String(error), responses: view(responses) } };
  }
}

/** Returns the value of an outcome, or throws its error. */
export function unwrap(outcome: Outcome): unknown {
  if (!('failed' in outcome)) return outcome.value;
  const { message, responses } = outcome.failed;
  throw Object.assign(new Error(message), { responses });
}

function view(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(view);
  if (typeof value !== 'object' || value === null) return value;
  if ('handshake' in value) {
    const { id, rooms, data, handshake } = value as SocketView;
    return { id, rooms: [...rooms], data, handshake };
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  // also true for an object of another realm
  const isPlain = prototype === null || Object.getPrototypeOf(prototype) === null;
  return isPlain ? value : undefined;
}
