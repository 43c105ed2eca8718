import { MessageBody, SubscribeMessage, WebSocketGateway, WebSocketServer, type WsResponse } from '@nestjs/websockets';
import { from, type Observable } from 'rxjs';
import { map } from 'rxjs/operators';
import { Server } from 'socket.io';

@WebSocketGateway({ path: '/live', namespace: 'events', transports: ['websocket'] })
export class EventsGateway {
  @WebSocketServer()
  server!: Server;

  @SubscribeMessage('events')
  findAll(@MessageBody() _data: unknown): Observable<WsResponse<number>> {
    return from([1, 2, 3]).pipe(map((item) => ({ event: 'events', data: item })));
  }

  @SubscribeMessage('identity')
  async identity(@MessageBody() data: number): Promise<number> {
    this.server.emit('asked', data);
    return data;
  }
}
