import { take } from './take.js';

take(5);
