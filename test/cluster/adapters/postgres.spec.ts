import { POSTGRES } from '../backends.js';
import { conformance } from './suite.js';

conformance(POSTGRES);
