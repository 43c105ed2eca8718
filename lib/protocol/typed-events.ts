/** An untyped payload: the return type of `JSON.parse`. */
export type Untyped = ReturnType<typeof JSON.parse>;

/**
 * Maps event names to listener signatures, as in Socket.IO 4.
 *
 * @example
 * interface ServerToClient {
 *   said: (text: string) => void;
 *   ask: (question: string, answer: (text: string) => void) => void;
 * }
 */
export interface EventsMap {
  [event: string]: Untyped;
}

/** The default map: every name with every payload. */
export interface DefaultEventsMap {
  [event: string]: (...args: Untyped[]) => void;
}

export type EventNames<Map extends EventsMap> = keyof Map & string;

type IsAny<Type> = 0 extends 1 & Type ? true : false;
/** A map of type `any` accepts any arguments. */
type Params<Signature extends (...args: Untyped[]) => unknown> =
  IsAny<Signature> extends true ? Untyped[] : Parameters<Signature>;

/** The arguments of an event's listener. */
export type EventParams<Map extends EventsMap, Event extends EventNames<Map>> = Params<Map[Event]>;

/** The signature of an event's listener. */
export type Listener<Map extends EventsMap, Event extends EventNames<Map>> = (
  ...args: EventParams<Map, Event>
) => void;

type Last<Tuple extends unknown[]> = Required<Tuple> extends [...infer _, infer End] ? End : Untyped;
type AnyCallback = (...answer: Untyped[]) => unknown;
/**
 * The arguments without the callback, which a map may declare as optional: the event can then be sent as a request or not.
 * `never` if the event has no callback, because it is not a request.
 */
type AllButCallback<Tuple extends unknown[]> =
  Required<Tuple> extends [...infer Start, AnyCallback]
    ? [Tuple] extends [[...infer Optional, unknown?]]
      ? Optional
      : Start
    : number extends Tuple['length']
      ? Tuple
      : never;
/** The arguments of a callback without the error, which a map may or may not declare first. */
type Values<Params extends unknown[]> =
  IsAny<Params[0]> extends true ? Params : Params extends [Error, ...infer Rest] ? Rest : Params;
type Answer<Callback> = Callback extends (...answer: infer Params) => unknown ? Values<Params>[0] : Untyped;

/** The arguments of `emitWithAck`: those of `emit` without the callback. */
export type RequestParams<Map extends EventsMap, Event extends EventNames<Map>> = AllButCallback<
  EventParams<Map, Event>
>;

/** The type of the peer's answer. */
export type AnswerOf<Map extends EventsMap, Event extends EventNames<Map>> = Answer<
  Last<EventParams<Map, Event>>
>;

type ErrorFirst<Callback, Many extends boolean> = Callback extends (...answer: infer Params) => infer Result
  ? (error: Error, ...answer: Many extends true ? [Values<Params>[0][]] : Values<Params>) => Result
  : never;

type WithTimeoutCallback<Tuple extends unknown[], Many extends boolean> = Tuple extends [
  ...infer Start,
  infer Callback extends AnyCallback,
]
  ? [...Start, ErrorFirst<Callback, Many>]
  : Required<Tuple> extends [...infer _, infer Callback extends AnyCallback]
    ? [...AllButCallback<Tuple>, answer?: ErrorFirst<Callback, Many>]
    : Tuple;

/** The same events, with an error as the first argument of each callback, for `timeout(ms).emit`. */
export type WithTimeout<Map extends EventsMap> = {
  [Event in keyof Map]: (...args: WithTimeoutCallback<Params<Map[Event]>, false>) => ReturnType<Map[Event]>;
};

/** The same events, with an error and the list of all answers as arguments of each callback, for requests to a room. */
export type WithManyAnswers<Map extends EventsMap> = {
  [Event in keyof Map]: (...args: WithTimeoutCallback<Params<Map[Event]>, true>) => ReturnType<Map[Event]>;
};
