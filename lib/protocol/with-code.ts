import type { EnvelopeErrorCode } from './error-codes.js';

/** Sets the stable code of an error, and returns the same error. The list of codes is `ERROR_CODES`. */
export function withCode<Failure extends Error, Code extends EnvelopeErrorCode>(
  code: Code,
  error: Failure,
): Failure & { readonly code: Code } {
  return Object.assign(error, { code });
}

/** Returns the error for an argument that a function does not accept. */
export function invalidArgument(
  message: string,
): TypeError & { readonly code: 'ERR_ENVELOPE_INVALID_ARGUMENT' } {
  return withCode('ERR_ENVELOPE_INVALID_ARGUMENT', new TypeError(message));
}
