import type { EnvelopeErrorCode } from '../../lib/index.js';

/**
 * Matches an error of the package by its code and a part of its message: `toThrow(coded('ERR_ENVELOPE_TIMEOUT', 'timed
 * out'))`.
 */
export function coded(code: EnvelopeErrorCode, message: string | RegExp = ''): Error {
  return expect.objectContaining({
    code,
    message: typeof message === 'string' ? expect.stringContaining(message) : expect.stringMatching(message),
  }) as Error;
}
