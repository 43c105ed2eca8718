export { EnvelopeHealthIndicator, type EnvelopeHealthOptions } from './envelope.health.js';
