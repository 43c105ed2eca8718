export { EnvelopeHttpApiModule, type HttpApiOptions } from './http-api-module.js';
