import { sharded } from '../backends.js';
import { conformance } from './suite.js';

conformance(sharded('redis'));
