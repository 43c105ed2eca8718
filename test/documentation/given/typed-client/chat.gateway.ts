import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { defineEvents, Emits, Replies } from 'nestjs-envelope/contract';
import { IsString } from 'class-validator';
import { interval, type Observable } from 'rxjs';

export class SayDto {
  @IsString() text!: string;
}

@Emits(defineEvents({ said: SayDto }))
@WebSocketGateway({ path: '/rooms/:room' })
export class ChatGateway {
  @SubscribeMessage('say')
  say(@MessageBody() say: SayDto): SayDto {
    return say;
  }

  @Replies(Number, { stream: true })
  @SubscribeMessage('ticks')
  ticks(): Observable<number> {
    return interval(1000);
  }
}
