import type { ClusterResponse } from 'socket.io-adapter';
import { Bus, BusAdapter } from '../support/bus.js';
import { joinOne, startBareApp, type BareApp } from '../support/bare-gateway.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { until } from '../support/wait.js';

/** What another node, or any process that reaches the broker, may answer. */
const GARBAGE = [null, 7, [null], [[null]], { length: 3 }];

/** Serializes an answer before it returns a promise, like the adapters of Redis. */
class EncodingAdapter extends BusAdapter {
  protected override doPublishResponse(requester: string, response: ClusterResponse): Promise<void> {
    structuredClone(response);
    return super.doPublishResponse(requester, response);
  }
}

type Internal = Map<string, (...values: unknown[]) => void>;

describe('nodes with incompatible answers', () => {
  expectNoUnhandledErrors();

  async function startPair(): Promise<[BareApp, BareApp]> {
    const bus = new Bus();
    return [await startBareApp({ adapter: bus.adapter }), await startBareApp({ adapter: bus.adapter })];
  }

  it.each(GARBAGE)('tolerate %j as an answer about presence', async (garbage) => {
    const [here, there] = await startPair();
    void there.server.presence;
    const internal: Internal = there.server._internalListeners;
    for (const name of ['$presence:all', '$presence:has', '$presence:list'])
      internal.set(name, (...values) => (values.at(-1) as (answer: unknown) => void)(garbage));
    const departures: string[] = [];
    here.server.presence.on('leave', ({ key }) => departures.push(key));
    const { client, socket } = await joinOne(here.app, here.server);
    here.server.presence.track(socket, 'ada');
    await socket.join('red');
    await here.server.presence.list('red').catch(() => undefined);
    client.close();
    await until('the departure of Ada', () => departures.includes('ada'));
  });

  it('tolerate a client whose data cannot be serialized, and the request gets the other answers', async () => {
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
