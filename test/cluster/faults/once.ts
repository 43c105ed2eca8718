declare const NEST_MAJOR: number;
declare const HTTP_PLATFORM: 'express' | 'fastify';

/** On one project only: what is tested knows neither Nest's major nor its platform, and takes its time. */
export function once(suite: jest.Describe): jest.Describe {
  return NEST_MAJOR === 12 && HTTP_PLATFORM === 'express' ? suite : describe.skip;
}
