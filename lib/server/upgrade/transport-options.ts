import { isRecordLike, refuse, refuseOption, refuseUnknown } from '../../protocol/refuse.js';

/** What an option takes. */
export interface TransportOptionRule {
  /** For errors. */
  readonly takes: string;
  accepts(value: unknown): boolean;
}

/** What the options of a transport may be. */
interface TransportOptionRules<Options> {
  /** The name of the function that takes the options, for errors. */
  readonly where: string;
  /** An example of valid options, for errors. */
  readonly example: string;
  readonly rules: Readonly<Record<keyof Options & string, TransportOptionRule>>;
  /** Options of the adapter that a user could look for here. */
  readonly ofAdapter: ReadonlySet<string>;
}

/**
 * Checks the options of a transport.
 *
 * @returns those that have a value
 * @throws TypeError that names the option, its value and what it takes, or the nearest name for an unknown option
 */
export function checkTransportOptions<Options extends object>(
  options: Options,
  { where, example, rules, ofAdapter }: TransportOptionRules<Options>,
): Options {
  if (!isRecordLike(options)) refuse(where, 'options', options, `an object, such as ${example}`);
  const given: [string, unknown][] = Object.entries(options).filter(([, value]) => value !== undefined);
  for (const [name, value] of given) {
    if (ofAdapter.has(name))
      refuseOption(where, name, value, 'no value here: set it in the options of EnvelopeAdapter');
    if (!Object.hasOwn(rules, name)) refuseUnknown(where, name, Object.keys(rules));
    const rule = rules[name as keyof Options & string];
    if (!rule.accepts(value)) refuseOption(where, name, value, rule.takes);
  }
  return Object.fromEntries(given) as Options;
}
