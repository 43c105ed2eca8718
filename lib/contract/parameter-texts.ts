/** Descriptions of path parameters in a contract. Readers of the contract recognise the parameter by them. */
export const PARAMETER_TEXTS = {
  /** A wildcard. */
  wildcard: 'One or more segments.',
  /** What the RegExp of a namespace matches, until the RegExp itself. */
  name: 'A name that matches ',
} as const;
