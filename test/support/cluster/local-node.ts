import type { EnvelopeServer } from '../../../lib/index.js';
import { startSharedApp, type TestApp } from '../app.js';
import type { Link } from './backend.js';
import { perform, type Outcome, type Step } from './chain.js';
import { clusterGateways, serverIn } from './gateways.js';
import { ClusterNode, rootOf, type Root } from './node.js';

/** A whole application in this process, with a separate connection to the broker. */
export class LocalNode extends ClusterNode {
  private constructor(
    name: string,
    readonly app: TestApp,
    private readonly main: EnvelopeServer,
    readonly link: Link,
  ) {
    super(name, app.port);
  }

  static async start(name: string, link: Link): Promise<LocalNode> {
    const { adapter } = link;
    const providers = clusterGateways(name);
    const app = await startSharedApp({ providers }, { adapter: { adapter } });
    return new LocalNode(name, app, serverIn(app.nest, providers), link);
  }

  protected override perform(root: Root, steps: Step[]): Promise<Outcome> {
    return perform(() => rootOf(this.main, root), steps);
  }

  override settled(): Promise<void> {
    return this.link.settled();
  }

  override close(): Promise<void> {
    return this.app.close();
  }
}
