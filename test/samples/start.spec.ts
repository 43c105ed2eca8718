import { Sample } from '../support/sample.js';

// The specs of the other samples start them as `npm start` does and check the same.
describe.each(['01-chat', '02-auth'])('sample %s', (name) => {
  const { PORT } = process.env;
  afterEach(() => {
    if (PORT === undefined) delete process.env['PORT'];
    else process.env['PORT'] = PORT;
  });

  it('prints the address of its page last', async () => {
    process.env['PORT'] = '0';
    const sample = Sample.start(`sample/${name}/src/main.ts`);
    const [url] = await sample.waitForOutput(/Open (http:\S+\/)\n$/);
    expect(await (await fetch(url!)).text()).toContain('<title>');
    await sample.end();
  });
});
