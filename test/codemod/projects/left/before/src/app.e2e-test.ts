import { Test } from '@nestjs/testing';
import { io } from 'socket.io-client';

it('answers', async () => {
  const module = await Test.createTestingModule({}).compile();
  const app = module.createNestApplication();
  await app.listen(0);
  jest.mock('socket.io');
});
