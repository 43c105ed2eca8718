export { EnvelopeThrottlerGuard } from './envelope-throttler-guard.js';
