import type { Type } from '@nestjs/common';
import { createContract, Emits, Replies, type ContractMessage } from '../../lib/contract/index.js';
import { startApp } from '../support/app.js';
import { GATEWAYS, JwtGuard, KeyGuard } from './rich-app.js';

describe('names', () => {
  it('are the titles of payloads, which code generators use as type names', async () => {
    const app = await startApp({ providers: [...GATEWAYS, JwtGuard, KeyGuard] });
    const { channels, components } = await createContract(app.nest, { title: 'Chat', version: '1.0.0' });
    const titles = Object.values(channels).flatMap(({ messages }) =>
      Object.values(messages).flatMap((message) =>
        'payload' in message ? [(message as ContractMessage).payload['title']] : [],
      ),
    );
    expect(titles.every((title) => /^[\p{Lu}\p{N}][\p{L}\p{N}]*$/u.test(String(title)))).toBe(true);
    expect(titles).toContain('WsChatSayReply');
    const { exception } = components.messages as Record<string, ContractMessage>;
    expect(exception!.payload['title']).toBe('Exception');
  });

  it('of an undefined class throw an error that mentions circular imports', () => {
    const missing = undefined as unknown as Type;
    for (const decorate of [
      () => Replies(missing)({}, 'say', { value: () => undefined }),
      () => Emits('said', missing),
      () => Emits({ said: missing }),
    ])
      expect(decorate).toThrow(/source is undefined: its class may be in a file that imports this one/);
  });
});
