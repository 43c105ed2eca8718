import { streams } from '../backends.js';
import { mixedCluster } from './cases.js';

mixedCluster(streams('redis'), 'bare');
mixedCluster(streams('redis'), 'socket.io');
