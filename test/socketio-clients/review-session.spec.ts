import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { until } from '../support/wait.js';
import { survives } from './attack.js';

describe('a session of Engine.IO', () => {
  expectNoUnhandledErrors();

  it(
    'ends at a message without data while attachments are missing',
    survives(async ({ polling, expectServed }) => {
      const client = await polling();
      await client.join();
      await client.post('451-["echo",{"_placeholder":true,"num":0}]');
      // Engine.IO's message has no data at all, not even an empty text
      await client.post('4').catch(() => undefined);
      await expectServed();
      await until('the session to end', () => client.isGone());
    }),
  );
});
