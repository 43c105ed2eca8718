import { NODE_CLUSTER } from '../backends.js';
import { conformance } from './suite.js';

conformance(NODE_CLUSTER);
