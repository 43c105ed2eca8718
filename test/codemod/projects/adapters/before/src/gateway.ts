import { WebSocketGateway, WebSocketServer } from '@nestjs/websockets';

@WebSocketGateway({ cors: '*', namespace: 'a' })
export class Gateway {
  @WebSocketServer()
  server: any;
}

@WebSocketGateway(81, { cors: "*" })
export class OtherGateway {}
