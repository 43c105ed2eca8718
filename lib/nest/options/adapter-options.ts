import { toPort } from '../../server/upgrade/port.js';
import { checkOptions } from './option-rules.js';
import { layer, type EnvelopeOptions } from './options.js';

/**
 * Checks and merges the options of an adapter. Its constructor's options win over those of `EnvelopeModule`, field by
 * field, and so do single limits.
 *
 * @returns a new object, with `port` as a number
 * @throws TypeError or Error that names the class, the option, the value and what the option takes
 */
export function resolveAdapterOptions(
  ofConstructor: EnvelopeOptions,
  ofModule: EnvelopeOptions,
): EnvelopeOptions {
  checkOptions(ofConstructor, 'EnvelopeAdapter', false);
  checkOptions(ofModule, 'EnvelopeModule', false);
  const limits = layer(ofConstructor.limits ?? {}, ofModule.limits ?? {});
  const options = layer({ ...ofConstructor, limits }, ofModule);
  if (options.port !== undefined) options.port = toPort(options.port)!;
  return options;
}
