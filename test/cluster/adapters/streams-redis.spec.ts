import { streams } from '../backends.js';
import { conformance } from './suite.js';

conformance(streams('redis'));
