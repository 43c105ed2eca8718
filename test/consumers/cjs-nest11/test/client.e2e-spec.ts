import { Test } from '@nestjs/testing';
import { EnvelopeAdapter } from 'nestjs-envelope';
import { connect, RequestError } from 'nestjs-envelope/client';
import { createTestClient, UpgradeRefusedError } from 'nestjs-envelope/testing';
import { AppModule } from './../src/app.module';

interface ServerToClient {
  echo: (text: string) => void;
}
interface ClientToServer {
  echo: (text: string, answer: (text: string) => void) => void;
}

it('nestjs-envelope/testing and /client, CommonJS', async () => {
  const moduleFixture = await Test.createTestingModule({ imports: [AppModule] }).compile();
  const app = moduleFixture.createNestApplication();
  app.useWebSocketAdapter(new EnvelopeAdapter(app));
  const tester = await createTestClient<ServerToClient, ClientToServer>(app, '/ws');
  expect(await tester.emitWithAck('echo', 'one')).toBe('one');
  await tester.expectNone('echo');
  const refused: unknown = await createTestClient(app, '/nowhere').catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(UpgradeRefusedError);
  expect(refused).toMatchObject({ status: 404 });

  const socket = connect(new URL('/ws', await app.getUrl()), { reconnection: false });
  expect(await socket.emitWithAck('echo', 'two')).toBe('two');
  await expect(socket.emitWithAck('unknown')).rejects.toBeInstanceOf(RequestError);

  // Both connections end with the application.
  await app.close();
  expect((await tester.ended()).code).toBe(1001);
  expect(socket.state).toBe('closed');
});
