import { connect } from 'nestjs-envelope/client';

interface Lot {
  id: string;
  price: number;
}

const PAUSE = 1_500;

/** Somebody has to bid: otherwise there would be little to see. */
export function sendVisitors(url: string): void {
  for (const token of ['ada', 'bob']) {
    const socket = connect(`${url}/auction`, { auth: token });
    const bid = async (): Promise<void> => {
      const lots: Lot[] = await socket.emitWithAck('lots');
      const { id, price } = lots[Math.floor(Math.random() * lots.length)]!;
      // too low, at times
      await socket.emitWithAck('bid', { lot: id, amount: price + Math.floor(Math.random() * 12) - 2 });
    };
    // a bid that is refused, or a line that is lost: the next one may be luckier
    setInterval(() => void bid().catch(() => undefined), PAUSE * (0.5 + Math.random())).unref();
  }
}
