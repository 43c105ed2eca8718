export { instrument, type InstrumentOptions } from './instrument.js';
export { traceMetadata } from './propagation.js';
