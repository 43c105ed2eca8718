import { sharded } from '../backends.js';
import { mixedCluster } from './cases.js';

mixedCluster(sharded('ioredis'), 'bare');
mixedCluster(sharded('ioredis'), 'socket.io');
