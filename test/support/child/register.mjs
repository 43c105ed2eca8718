// node --import: a child process runs TypeScript as in Jest, with the major of Nest in NEST_MAJOR.
import { register } from 'node:module';

register('./hooks.mjs', import.meta.url);
