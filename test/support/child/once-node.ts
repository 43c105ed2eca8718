import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { Redis } from 'ioredis';
import { Once, redisOnce } from '../../../lib/once/index.js';
import { boot } from './boot.js';
import { emitToParent, serveCommands, settings } from './program.js';

/** The settings of the program. */
export interface OnceNodeSettings {
  url: string;
  /** Whether the handler waits for the command `open`. */
  isSlow: boolean;
}

const { url, isSlow } = settings<OnceNodeSettings>();
let open!: () => void;
const opened = new Promise<void>((resolve) => (open = resolve));

@WebSocketGateway({ path: '/ws' })
class Gateway {
  @Once()
  @SubscribeMessage('work')
  async work(@MessageBody() text: string): Promise<string> {
    await emitToParent('work', text);
    if (isSlow) await opened;
    return `done by ${process.pid}`;
  }
}

const redis = new Redis(url).on('error', () => undefined);
const { port } = await boot({ providers: [Gateway] }, { onceStore: redisOnce(redis) });
serveCommands({ port: () => port, open: () => open() });
