import { classic } from '../backends.js';
import { conformance } from './suite.js';

conformance(classic('ioredis'));
