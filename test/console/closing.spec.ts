import { socketIO } from '../../lib/socketio/index.js';
import { GuardedGateway } from '../operations/fixture.js';
import { startApp } from '../support/app.js';
import { requestUpgrade } from '../support/upgrade.js';
import { Admin, Admins } from './console-fixture.js';
import { setUpConsole } from './console-app.js';

describe('an application that closes while its console is open', () => {
  it.each([false, true])('admits no client of Socket.IO, with a console: %p', async (hasConsole) => {
    const app = await startApp(
      { providers: [Admins, GuardedGateway] },
      {
        before: (nest) => hasConsole && setUpConsole(nest),
        adapter: { transports: [socketIO()], shutdownTimeout: 5_000 },
      },
    );
    const admin = hasConsole ? await Admin.connect(app) : undefined;
    const gateway = app.nest.get(GuardedGateway);
    const busy = await app.connect('/ws');
    busy.send({ event: 'hold', id: 1 });
    await busy.settled();
    const { port } = app;
    const closed = app.nest.close();
    const handshake = (): Promise<{ status: number }> =>
      requestUpgrade(port, '/socket.io/?EIO=4&transport=websocket');
    expect((await requestUpgrade(port, '/ws')).status).toBe(503);
    expect((await handshake()).status).toBe(503);
    gateway.held.resolve();
    await closed;
    expect((await busy.ended()).code).toBe(1001);
    if (admin !== undefined) expect((await admin.client.ended()).code).toBe(1001);
  });
});
