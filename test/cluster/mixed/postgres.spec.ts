import { POSTGRES } from '../backends.js';
import { mixedCluster } from './cases.js';

mixedCluster(POSTGRES, 'bare');
mixedCluster(POSTGRES, 'socket.io');
