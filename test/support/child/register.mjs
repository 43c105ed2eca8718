// node --import: lets a child process run TypeScript as Jest does, against the major of Nest that NEST_MAJOR names.
import { register } from 'node:module';

register('./hooks.mjs', import.meta.url);
