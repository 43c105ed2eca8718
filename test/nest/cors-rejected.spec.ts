import { expectRefusedEverywhere, gateway, refusalOf } from './refused-options.js';

describe('an origin in cors that no browser sends', () => {
  const WILDCARD = 'no wildcard in a text. For several hosts, use a RegExp: ';
  const cases: [origin: unknown, error: string][] = [
    ['https://*.example.com', `it takes ${WILDCARD}/^https:\\/\\/[a-z0-9-]+\\.example\\.com$/`],
    ['https://*.example.com/', `it takes ${WILDCARD}/^https:\\/\\/[a-z0-9-]+\\.example\\.com$/`],
    ['*.Example.com', `it takes ${WILDCARD}/^https:\\/\\/[a-z0-9-]+\\.example\\.com$/`],
    ['*://a.example', `it takes ${WILDCARD}/^https?:\\/\\/a\\.example$/`],
    ['http://localhost:*', `it takes ${WILDCARD}/^http:\\/\\/localhost(:\\d+)?$/`],
    ['localhost:*', `it takes ${WILDCARD}/^http:\\/\\/localhost(:\\d+)?$/`],
    ['https://*.a.example:443', `it takes ${WILDCARD}/^https:\\/\\/[a-z0-9-]+\\.a\\.example$/`],
    ['https://*.a.example:8443', `it takes ${WILDCARD}/^https:\\/\\/[a-z0-9-]+\\.a\\.example:8443$/`],
    ['https://*', `it takes ${WILDCARD}/^https:\\/\\/[a-z0-9-]+\\.app\\.example$/`],
    ['https://a*.example', `it takes ${WILDCARD}/^https:\\/\\/[a-z0-9-]+\\.app\\.example$/`],
    ['https://*.*.example', `it takes ${WILDCARD}/^https:\\/\\/[a-z0-9-]+\\.app\\.example$/`],
    ['**', `it takes ${WILDCARD}/^https:\\/\\/[a-z0-9-]+\\.app\\.example$/`],
    ['https://a.example/page', 'it takes an origin as browsers send it: "https://a.example"'],
    ['https://a.example?x', 'it takes an origin as browsers send it: "https://a.example"'],
    ['https://a.example/#', 'it takes an origin as browsers send it: "https://a.example"'],
    ['https://me@a.example', 'it takes an origin as browsers send it: "https://a.example"'],
    [' https://a.example', 'it takes an origin as browsers send it: "https://a.example"'],
    ['https://a.example\u001b', 'it takes an origin as browsers send it: "https://a.example"'],
    ['https:a.example', 'it takes an origin as browsers send it: "https://a.example"'],
    ['http://a.example:080', 'it takes an origin as browsers send it: "http://a.example"'],
    ['http://0x7f.1:3000', 'it takes an origin as browsers send it: "http://127.0.0.1:3000"'],
    ['wss://a.example', 'it takes an origin as browsers send it: "https://a.example"'],
    ['ws://a.example:80/', 'it takes an origin as browsers send it: "http://a.example"'],
    ['capacitor://localhost/', 'it takes an origin as browsers send it: "capacitor://localhost"'],
    ['a.example', 'it takes an origin as browsers send it: "https://a.example"'],
    ['//a.example/', 'it takes an origin as browsers send it: "https://a.example"'],
    ['localhost:5173', 'it takes an origin as browsers send it: "http://localhost:5173"'],
    ['127.0.0.1', 'it takes an origin as browsers send it: "http://127.0.0.1"'],
    ['https://a.example:99999', 'it takes an origin as browsers send it, such as "https://app.example"'],
    ["'https://a.example'", 'it takes an origin as browsers send it, such as "https://app.example"'],
    ['https://a.example,', 'it takes one origin in a text, and several in a list: ["https://a.example"]'],
    ['https://', 'it takes an origin as browsers send it, such as "https://app.example"'],
    ['', 'it takes an origin as browsers send it, such as "https://app.example", or false for none'],
    [
      'https://a.example, https://b.example:8443',
      'it takes one origin in a text, and several in a list: ["https://a.example", "https://b.example:8443"]',
    ],
    [
      'a.example b.example',
      'it takes one origin in a text, and several in a list: ["a.example", "b.example"]',
    ],
    [7, 'it takes true, false, an origin such as "https://app.example", a RegExp, a function, or a list'],
    [null, 'it takes true, false, an origin such as "https://app.example", a RegExp, a function, or a list'],
    [{}, 'it takes true, false, an origin such as "https://app.example", a RegExp, a function, or a list'],
  ];

  it('stops the start on the adapter, in the module and on a gateway', async () => {
    const [origin, error] = cases[0]!;
    await expectRefusedEverywhere({ cors: { origin } }, `cors.origin is ${JSON.stringify(origin)}: ${error}`);
  });

  it.each(cases)('stops the start: %p', async (origin, error) => {
    expect(await refusalOf([gateway({ cors: { origin } })])).toContain(
      `ChatGateway: cors.origin is ${JSON.stringify(origin)}: ${error}`,
    );
  });

  it('is named by its place in a list', async () => {
    const origin = ['https://a.example', /b/, 'https://*.example'];
    expect(await refusalOf([gateway({ cors: { origin } })])).toBe(
      `ChatGateway: cors.origin[2] is "https://*.example": it takes ${WILDCARD}/^https:\\/\\/[a-z0-9-]+\\.example$/`,
    );
    expect(await refusalOf([gateway({ cors: { origin: [(): boolean => true] } })])).toBe(
      'ChatGateway: cors.origin[0] is a function: it takes true, false, an origin such as "https://app.example", or a RegExp',
    );
  });

  it('is none of the others', async () => {
    const texts = [
      '*',
      'null',
      'https://a.example',
      'HTTPS://A.example:443/',
      'http://a.example:80',
      'http://[::1]:3000',
    ];
    const unusual = [
      'http://a.example:443',
      'https://Bücher.example/',
      'chrome-extension://abcdef',
      'file://',
    ];
    const all = [
      ...texts,
      ...unusual,
      undefined,
      true,
      false,
      /^https:/,
      [],
      [...texts, true, /a/],
      (): boolean => true,
    ];
    const gateways = all.map((origin, index) => gateway({ path: `/${index}`, cors: { origin } }));
    expect(await refusalOf(gateways, { cors: { origin: all.slice(0, -3).filter(Boolean) } })).toBe('nothing');
  });
});
