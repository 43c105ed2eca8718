import { connect } from 'nestjs-envelope/client';

interface Lot {
  id: string;
  price: number;
}

const PAUSE = 1_500;

/** Bids in the name of two visitors, since there would be little to see otherwise. Resolves when both are connected. */
export async function sendVisitors(url: string): Promise<void> {
  for (const token of ['ada', 'bob']) {
    const socket = connect(`${url}/auction`, { auth: token });
    const bid = async (): Promise<void> => {
      const lots: Lot[] = await socket.emitWithAck('lots');
      const { id, price } = lots[Math.floor(Math.random() * lots.length)]!;
      // too low, at times
      await socket.emitWithAck('bid', { lot: id, amount: price + Math.floor(Math.random() * 12) - 2 });
    };
    // a bid that is refused, or a line that is lost: the next one may be luckier
    await socket.emitWithAck('lots');
    setInterval(() => void bid().catch(() => undefined), PAUSE * (0.5 + Math.random())).unref();
  }
}
