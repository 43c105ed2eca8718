import type { Untyped } from '../../protocol/typed-events.js';
import { assertOptions, refuse, refuseOption } from '../../protocol/refuse.js';
import { assertEmittable } from '../../protocol/reserved-events.js';
import { assertFunction } from '../util/arguments.js';

/** The options of `presence.share`. */
export interface ShareOptions {
  /** The event that clients receive. Default: `presence`. */
  event?: string;
  /** Milliseconds for which changes are gathered. Default: 50. */
  every?: number;
  /** Members of a room. Of a larger one, clients receive the number only. Default: 1,000. */
  maxMembers?: number;
}

/** The options of `presence.shareStates`. */
export interface ShareStatesOptions {
  /** The event that clients send and receive. Default: `states`. */
  event?: string;
  /** Milliseconds for which changes are gathered. Default: 50. */
  every?: number;
  /** States of a room. Of a larger one, clients receive the number only. Default: 200. */
  maxStates?: number;
  /** Bytes of one state, as JSON. Default: 2,048. */
  maxBytes?: number;
  /**
   * Returns whether a client may have this state: `true`, or anything else to refuse it. It runs before others see the state, and what
   * it throws refuses it, too: an exception as that of a handler. Default: every state is accepted.
   */
  accept?: (state: Untyped, client: Untyped, room: string) => boolean;
}

/** A room, or rooms, whose clients are told what is in them. */
export interface ShareRule {
  readonly room: string | RegExp;
  readonly event: string;
  readonly every: number;
  readonly maxMembers: number;
}

/** A rule of `presence.shareStates`. */
export interface StatesRule extends ShareRule {
  readonly maxBytes: number;
  readonly accept: ShareStatesOptions['accept'];
}

/**
 * Checks the arguments of `presence.share`.
 *
 * @throws TypeError on an invalid room or option, Error on an event that cannot be emitted
 */
export function shareRule(room: string | RegExp, options: ShareOptions): ShareRule {
  const where = 'presence.share';
  assertOptions(where, options, ['event', 'every', 'maxMembers'], "{ event: 'presence' }");
  const { event = 'presence', every = 50, maxMembers = 1_000 } = options;
  return checked(where, { room, event, every, maxMembers }, { every, maxMembers });
}

/** Checks the arguments of `presence.shareStates`. Throws as {@link shareRule}. */
export function statesRule(room: string | RegExp, options: ShareStatesOptions): StatesRule {
  const where = 'presence.shareStates';
  assertOptions(where, options, ['event', 'every', 'maxStates', 'maxBytes', 'accept'], "{ event: 'states' }");
  const { event = 'states', every = 50, maxStates = 200, maxBytes = 2_048, accept } = options;
  if (accept !== undefined) assertFunction(where, 'accept', accept);
  const rule = { room, event, every, maxMembers: maxStates, maxBytes, accept };
  return checked(where, rule, { every, maxStates, maxBytes });
}

function checked<Rule extends ShareRule>(where: string, rule: Rule, numbers: Record<string, number>): Rule {
  const { room, event } = rule;
  if (!(room instanceof RegExp) && (typeof room !== 'string' || room === ''))
    refuse(where, 'room', room, "a room, such as 'board:7', or a RegExp");
  assertEmittable(event);
  for (const [name, value] of Object.entries(numbers))
    if (!Number.isInteger(value) || value < 0) refuseOption(where, name, value, 'a whole number from 0 on');
  return rule;
}

/** Returns the first rule that applies to a room. */
export function ruleOf<Rule extends ShareRule>(rules: readonly Rule[], room: string): Rule | undefined {
  return rules.find((rule) => {
    if (typeof rule.room === 'string') return rule.room === room;
    // a global or sticky expression would continue after its last match
    rule.room.lastIndex = 0;
    return rule.room.test(room);
  });
}
