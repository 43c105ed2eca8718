/** A payload that nobody has typed: whatever `JSON.parse` says it is. */
export type Untyped = ReturnType<typeof JSON.parse>;

/** Event names to listener signatures, as in Socket.IO 4. */
export interface EventsMap {
  [event: string]: Untyped;
}

/** The map where none was given: every name, every payload. */
export interface DefaultEventsMap {
  [event: string]: (...args: Untyped[]) => void;
}

export type EventNames<Map extends EventsMap> = keyof Map & string;

type IsAny<Type> = 0 extends 1 & Type ? true : false;
/** A map that is `any` says nothing of its events: then any arguments will do. */
type Params<Signature extends (...args: Untyped[]) => unknown> =
  IsAny<Signature> extends true ? Untyped[] : Parameters<Signature>;

/** What an event's listener takes. */
export type EventParams<Map extends EventsMap, Event extends EventNames<Map>> = Params<Map[Event]>;

/** The signature of an event's listener. */
export type Listener<Map extends EventsMap, Event extends EventNames<Map>> = (
  ...args: EventParams<Map, Event>
) => void;

type Last<Tuple extends unknown[]> = Required<Tuple> extends [...infer _, infer End] ? End : Untyped;
/** An untyped event stays what it is; one that takes no callback is no request. */
type AllButCallback<Tuple extends unknown[]> =
  Required<Tuple> extends [...infer Start, (...answer: Untyped[]) => unknown]
    ? Start
    : number extends Tuple['length']
      ? Tuple
      : never;
/** What a callback takes besides the error, which a map may or may not write in front. */
type Values<Params extends unknown[]> =
  IsAny<Params[0]> extends true ? Params : Params extends [Error, ...infer Rest] ? Rest : Params;
type Answer<Callback> = Callback extends (...answer: infer Params) => unknown ? Values<Params>[0] : Untyped;

/** The arguments of `emitWithAck`: those of `emit` without the callback. */
export type RequestParams<Map extends EventsMap, Event extends EventNames<Map>> = AllButCallback<
  EventParams<Map, Event>
>;

/** What a peer's answer resolves to. */
export type AnswerOf<Map extends EventsMap, Event extends EventNames<Map>> = Answer<
  Last<EventParams<Map, Event>>
>;

type WithTimeoutCallback<Tuple extends unknown[], Many extends boolean> = Tuple extends [
  ...infer Start,
  (...answer: infer Params) => infer Result,
]
  ? [
      ...Start,
      (error: Error, ...answer: Many extends true ? [Values<Params>[0][]] : Values<Params>) => Result,
    ]
  : Tuple;

/** The same events with an error first in their callbacks: what `timeout(ms).emit` takes. */
export type WithTimeout<Map extends EventsMap> = {
  [Event in keyof Map]: (...args: WithTimeoutCallback<Params<Map[Event]>, false>) => ReturnType<Map[Event]>;
};

/** The same events with an error and the answers of many peers in their callbacks: what a room-wide request takes. */
export type WithManyAnswers<Map extends EventsMap> = {
  [Event in keyof Map]: (...args: WithTimeoutCallback<Params<Map[Event]>, true>) => ReturnType<Map[Event]>;
};
