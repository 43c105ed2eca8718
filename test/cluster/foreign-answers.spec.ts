import type { ClusterResponse } from 'socket.io-adapter';
import { Bus, BusAdapter } from '../support/bus.js';
import { joinOne, startBareApp, type BareApp } from '../support/bare-gateway.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { until } from '../support/wait.js';

/** What another node, or whoever reaches the broker, may answer. */
const GARBAGE = [null, 7, [null], [[null]], { length: 3 }];

/** Encodes an answer before it promises anything, as the adapters of Redis do. */
class EncodingAdapter extends BusAdapter {
  protected override doPublishResponse(requester: string, response: ClusterResponse): Promise<void> {
    structuredClone(response);
    return super.doPublishResponse(requester, response);
  }
}

type Internal = Map<string, (...values: unknown[]) => void>;

describe('nodes that do not understand each other', () => {
  expectNoUnhandledErrors();

  async function startPair(): Promise<[BareApp, BareApp]> {
    const bus = new Bus();
    return [await startBareApp({ adapter: bus.adapter }), await startBareApp({ adapter: bus.adapter })];
  }

  it.each(GARBAGE)('live with %j for an answer about who is present', async (garbage) => {
    const [here, there] = await startPair();
    void there.server.presence;
    const internal: Internal = there.server._internal;
    for (const name of ['$presence:all', '$presence:has', '$presence:list'])
      internal.set(name, (...values) => (values.at(-1) as (answer: unknown) => void)(garbage));
    const left: string[] = [];
    here.server.presence.on('leave', ({ key }) => left.push(key));
    const { client, socket } = await joinOne(here.app, here.server);
    here.server.presence.track(socket, 'ada');
    await socket.join('red');
    await here.server.presence.list('red').catch(() => undefined);
    client.close();
    await until('ada has gone', () => left.includes('ada'));
  });

  it('live with a client whose data cannot cross, and the one that asks gets what there is', async () => {
    const bus = new Bus();
    const adapter = (nsp: unknown): BusAdapter => new EncodingAdapter(nsp, bus);
    const [here, there] = [await startBareApp({ adapter }), await startBareApp({ adapter })];
    const { socket } = await joinOne(there.app, there.server);
    await joinOne(here.app, here.server);
    socket.data = { timer: () => undefined };
    const fetched = here.server.timeout(200).fetchSockets();
    await expect(fetched).rejects.toMatchObject({ responses: [{}] });
    expect(there.app.log.of('error')).toHaveLength(1);
  });
});
