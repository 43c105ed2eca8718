import { WebSocketGateway, WebSocketServer } from '@nestjs/websockets';

@WebSocketGateway({ cors: { origin: '*' }, namespace: 'a' })
export class Gateway {
  @WebSocketServer()
  server: any;
}

@WebSocketGateway(81, { cors: { origin: "*" } })
export class OtherGateway {}
