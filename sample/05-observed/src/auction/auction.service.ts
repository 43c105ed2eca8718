import { Injectable } from '@nestjs/common';
import { WsException } from '@nestjs/websockets';
import { trace } from '@opentelemetry/api';
import { filter, Subject, type Observable } from 'rxjs';
import type { BidDto, LotDto } from './auction.dto.js';

const tracer = trace.getTracer('auction');

@Injectable()
export class AuctionService {
  private readonly prices = new Subject<LotDto>();
  private readonly lots = new Map<string, LotDto>(
    [
      { id: 'clock', title: "A ship's clock", price: 120 },
      { id: 'globe', title: 'A globe of 1890', price: 300 },
      { id: 'lens', title: 'A lens, slightly scratched', price: 15 },
    ].map((lot) => [lot.id, lot]),
  );

  list(): LotDto[] {
    return [...this.lots.values()];
  }

  watch(id: string): Observable<LotDto> {
    this.find(id);
    return this.prices.pipe(filter((lot) => lot.id === id));
  }

  /** Its span is a child of the message's span: OpenTelemetry passes the context on. */
  async bid(bidder: string, { lot: id, amount }: BidDto): Promise<LotDto> {
    return tracer.startActiveSpan('save the bid', async (span) => {
      try {
        await new Promise(setImmediate);
        const { title, price } = this.find(id);
        if (amount <= price) throw new WsException(`The price of ${title} is already ${price}`);
        const lot = { id, title, price: amount, bidder };
        this.lots.set(id, lot);
        this.prices.next(lot);
        return lot;
      } finally {
        span.end();
      }
    });
  }

  private find(id: string): LotDto {
    const lot = this.lots.get(id);
    if (lot === undefined) throw new WsException(`Unknown lot "${id}"`);
    return lot;
  }
}
