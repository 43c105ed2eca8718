export { EnvelopeHealthIndicator, type EnvelopeHealthOptions } from './envelope-health-indicator.js';
