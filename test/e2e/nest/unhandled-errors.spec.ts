import { UnhandledErrors } from '../../support/unhandled-errors.js';

// The controls of what the specs of this folder assert with expectNoStrays().
describe('strays', () => {
  it('sees an unhandled rejection', async () => {
    const strays = new UnhandledErrors();
    void Promise.reject(new Error('nobody takes this'));
    expect(await strays.stop()).toEqual([new Error('nobody takes this')]);
  });

  it('sees an uncaught exception', async () => {
    const strays = new UnhandledErrors();
    setImmediate(() => {
      throw new Error('nobody catches this');
    });
    expect(await strays.stop()).toEqual([new Error('nobody catches this')]);
  });

  it('sees nothing where there is nothing', async () => {
    const strays = new UnhandledErrors();
    await Promise.reject(new Error('taken')).catch(() => undefined);
    expect(await strays.stop()).toEqual([]);
  });
});
