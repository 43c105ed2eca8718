import { sharded } from '../backends.js';
import { mixedCluster } from './cases.js';

mixedCluster(sharded('ioredis'), 'bare');
