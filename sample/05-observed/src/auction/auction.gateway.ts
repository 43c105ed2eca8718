import { UseGuards, UsePipes, ValidationPipe } from '@nestjs/common';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
  type OnGatewayConnection,
} from '@nestjs/websockets';
import type { Observable } from 'rxjs';
import { EnvelopeServer, EnvelopeSocket, type DefaultEventsMap } from 'nestjs-envelope';
import { Describe, Emits, Replies, type EventsOf } from 'nestjs-envelope/contract';
import { BidDto, events, LotDto, WatchDto } from './auction.dto.js';
import { AuctionService } from './auction.service.js';
import { BearerGuard } from './bearer.guard.js';

@WebSocketGateway({ path: '/auction' })
@UseGuards(BearerGuard)
@UsePipes(new ValidationPipe({ transform: true }))
@Describe({ description: 'Lots, bids and bidders.' })
@Emits(events)
export class AuctionGateway implements OnGatewayConnection<EnvelopeSocket> {
  @WebSocketServer()
  private readonly server!: EnvelopeServer<DefaultEventsMap, EventsOf<typeof events>>;

  constructor(private readonly auction: AuctionService) {}

  async handleConnection(client: EnvelopeSocket): Promise<void> {
    await client.join('hall');
    this.server
      .to('hall')
      .except(client.id)
      .emit('news', { text: `${client.user} joined` });
  }

  @Describe({ summary: 'All lots and their prices' })
  @Replies([LotDto])
  @SubscribeMessage('lots')
  lots(): LotDto[] {
    return this.auction.list();
  }

  @Describe({ summary: 'Bids for a lot. Everyone in the hall receives the new price' })
  @Replies(LotDto)
  @SubscribeMessage('bid')
  async bid(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() bid: BidDto): Promise<LotDto> {
    const lot = await this.auction.bid(String(client.user), bid);
    this.server.to('hall').emit('price', lot);
    return lot;
  }

  @Describe({ summary: 'Streams each new price of one lot' })
  @Replies(LotDto, { stream: true })
  @SubscribeMessage('watch')
  watch(@MessageBody() { lot }: WatchDto): Observable<LotDto> {
    return this.auction.watch(lot);
  }

  @Describe({ summary: 'Fails, to show an error in traces, metrics and the log' })
  @SubscribeMessage('appraise')
  appraise(): never {
    throw new Error('the appraiser is ill');
  }
}
