import { FaultyNetwork } from '../support/faulty-network.js';
import type { SubjectNetwork } from './subject.js';

/** The network between a client and the node that it connects to. */
export class ClientNetwork implements SubjectNetwork {
  private constructor(
    private readonly network: FaultyNetwork,
    private readonly portOf: (node: number) => number,
    /** The node that the client connects to. */
    public node: number,
  ) {}

  static async to(node: number, portOf: (node: number) => number): Promise<ClientNetwork> {
    return new ClientNetwork(await FaultyNetwork.to(portOf(node)), portOf, node);
  }

  /** The port that the client connects to. */
  get port(): number {
    return this.network.port;
  }

  /** Leads new connections to the node, wherever it listens now. */
  follow(): void {
    this.network.target = this.portOf(this.node);
  }

  cut(bytes: number, direction: 'up' | 'down'): void {
    this.network.cutAfter(bytes, direction);
  }

  away(how: 'cut' | 'silent'): void {
    this.network.isRefusing = true;
    if (how === 'cut') this.network.cut();
    else this.network.abandon();
  }

  back(node: number): void {
    this.node = node;
    this.follow();
    this.network.isRefusing = false;
  }

  slow(): void {
    this.network.stopReading();
  }

  fast(): void {
    this.network.readAgain();
  }

  close(): void {
    this.network.close();
  }
}
