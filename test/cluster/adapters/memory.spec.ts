import { MEMORY } from '../backends.js';
import { conformance } from './suite.js';

conformance(MEMORY);
