import { httpStreaming } from '../../lib/http-streaming/index.js';

describe('httpStreaming', () => {
  it.each([
    [{ node: 'a b' }, 'httpStreaming: node is "a b": it takes 1 to 64 letters'],
    [{ node: '' }, 'node is ""'],
    [{ rotateAfter: -1 }, 'rotateAfter is -1: it takes milliseconds'],
    [{ rotateAt: 0 }, 'rotateAt is 0'],
    [{ bodyTimeout: '5s' }, 'bodyTimeout is "5s"'],
    [{ cookies: 'sid' }, 'cookies is "sid": it takes a list'],
    [{ cookies: [''] }, 'cookies is [""]'],
    [{ cors: {} }, 'set it in the options of EnvelopeAdapter'],
    [{ rotateafter: 1 }, 'Did you mean "rotateAfter"?'],
    [null, 'options is null: it takes an object'],
  ])('refuses %j', (options, message) => {
    expect(() => httpStreaming(options as never)).toThrow(message);
  });

  it('takes all of its options', () => {
    const transport = httpStreaming({
      node: 'node-1',
      rotateAfter: 0,
      rotateAt: 1,
      bodyTimeout: 1,
      cookies: ['sid'],
    });
    expect(transport.name).toBe('httpStreaming');
  });
});
