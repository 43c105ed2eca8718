import { UnhandledErrors } from '../support/unhandled-errors.js';

// Proves that `UnhandledErrors`, which the specs of this folder rely on, detects errors.
describe('UnhandledErrors', () => {
  it('collects an unhandled rejection', async () => {
    const errors = new UnhandledErrors();
    void Promise.reject(new Error('not handled'));
    expect(await errors.stop()).toEqual([new Error('not handled')]);
  });

  it('collects an uncaught exception', async () => {
    const errors = new UnhandledErrors();
    setImmediate(() => {
      throw new Error('not caught');
    });
    expect(await errors.stop()).toEqual([new Error('not caught')]);
  });

  it('collects nothing when every error is handled', async () => {
    const errors = new UnhandledErrors();
    await Promise.reject(new Error('handled')).catch(() => undefined);
    expect(await errors.stop()).toEqual([]);
  });
});
