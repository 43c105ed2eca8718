import { WebSocketGateway } from '@nestjs/websockets';

@WebSocketGateway({ path: '/admin' })
export class AdminGateway {}
