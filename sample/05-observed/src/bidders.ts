import { connect } from 'nestjs-envelope/client';

interface Lot {
  id: string;
  price: number;
}

/** The average time between two bids of one bidder, in milliseconds. */
const INTERVAL = 1_500;

/**
 * Starts two clients that bid by themselves, so that the pages have something to show. Resolves when both are
 * connected.
 */
export async function startBidders(url: string): Promise<void> {
  for (const token of ['ada', 'bob']) {
    const socket = connect(`${url}/auction`, { auth: token });
    const bid = async (): Promise<void> => {
      const lots: Lot[] = await socket.emitWithAck('lots');
      const { id, price } = lots[Math.floor(Math.random() * lots.length)]!;
      // sometimes too low, so that the sample shows refused bids
      await socket.emitWithAck('bid', { lot: id, amount: price + Math.floor(Math.random() * 12) - 2 });
    };
    await socket.emitWithAck('lots');
    // ignores a refused bid and a lost connection: the next bid follows anyway
    setInterval(() => void bid().catch(() => undefined), INTERVAL * (0.5 + Math.random())).unref();
  }
}
