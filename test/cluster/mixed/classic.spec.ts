import { classic } from '../backends.js';
import { mixedCluster } from './cases.js';

mixedCluster(classic('redis'), 'bare');
mixedCluster(classic('redis'), 'socket.io');
