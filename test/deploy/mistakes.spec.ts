import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { type EnvelopeOptions } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { HAPROXY, NGINX, ReverseProxy, type ProxyKind } from '../support/reverse-proxy.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { requestUpgrade, type UpgradeResponse } from '../support/upgrade.js';
import { until } from '../support/wait.js';

@WebSocketGateway({ path: '/ws' })
class ChatGateway {
  @SubscribeMessage('echo')
  echo(): string {
    return 'echo';
  }
}

interface Mistake {
  readonly name: string;
  /** The change in the published file. */
  readonly change: [published: RegExp, wrong: string];
  /** The page that connects: its scheme, host and port; the address of the proxy by default. */
  readonly origin?: string;
  readonly options?: EnvelopeOptions;
  readonly status: number;
  /** What the log says: the cause, and the cure. */
  readonly log: readonly string[];
}

const TRUSTING: EnvelopeOptions = { trustProxy: 'loopback' };

const IN_NGINX: readonly Mistake[] = [
  {
    name: 'no Upgrade header',
    change: [/proxy_set_header (Upgrade|Connection) .*/g, ''],
    status: 404,
    log: [
      'GET /ws is the request of a WebSocket without its Upgrade header',
      'proxy_set_header Upgrade $http_upgrade;',
    ],
  },
  {
    name: 'HTTP/1.0 to the node, which is the default of nginx',
    change: [/proxy_http_version .*/, ''],
    status: 400,
    log: ['HTTP/1.0 has no upgrades', 'proxy_http_version 1.1;'],
  },
  {
    name: 'no Host header',
    change: [/proxy_set_header (X-Forwarded-)?Host .*/g, ''],
    options: TRUSTING,
    status: 403,
    log: ['a proxy does not forward the Host header', 'In nginx, add "proxy_set_header Host $http_host;"'],
  },
  {
    name: 'a Host header without the port',
    change: [/\$http_host/g, '$host'],
    options: TRUSTING,
    status: 403,
    log: [
      'Only the port differs',
      'replace "proxy_set_header Host $host;" by "proxy_set_header Host $http_host;"',
    ],
  },
  {
    name: 'a slash that removes the path',
    change: [/location \/ \{\s+proxy_pass http:\/\/envelope;/, 'location /ws { proxy_pass http://envelope/;'],
    status: 404,
    log: ['GET / -> 404: no gateway is mounted on this path', 'The paths of gateways are: /ws'],
  },
  {
    name: 'its own scheme, where TLS ended at a proxy before it',
    change: [/\$http_host/g, 'chat.example'],
    origin: 'https://chat.example',
    options: TRUSTING,
    status: 403,
    log: [
      'Only the scheme differs: the page has https://, and the connection http://',
      'by "proxy_set_header X-Forwarded-Proto $http_x_forwarded_proto;"',
    ],
  },
  {
    name: 'addresses of clients for a server that does not know the proxy',
    change: [/$^/, ''],
    status: 101,
    log: [
      'Clients connect through an unknown proxy',
      "Name the proxy in EnvelopeAdapter's option trustProxy",
    ],
  },
];

const IN_HAPROXY: readonly Mistake[] = [
  {
    name: 'the Host header of a health check',
    change: [/http-request set-header X-Forwarded-Host .*/, 'http-request set-header Host internal'],
    options: TRUSTING,
    status: 403,
    log: [
      'may not connect to internal',
      'a proxy does not forward the Host header',
      "EnvelopeAdapter's option hosts",
    ],
  },
  {
    name: 'the wrong scheme',
    change: [
      /http-request set-header X-Forwarded-Proto http if .*/,
      'http-request set-header X-Forwarded-Proto https',
    ],
    options: TRUSTING,
    status: 403,
    log: [
      'Only the scheme differs: the page has http://, and the connection https://',
      'X-Forwarded-Proto must name the scheme',
    ],
  },
];

async function connectThrough(
  kind: ProxyKind,
  { change: [right, wrong], origin, options }: Mistake,
): Promise<{ app: TestApp; response: UpgradeResponse }> {
  const app = await startApp({ providers: [ChatGateway] }, { adapter: options ?? {} });
  // the health check is another matter
  const change = (text: string): string => text.replace(right, wrong).replace(/default-server check .*/, '');
  const proxy = await ReverseProxy.start(kind, [app.port], change);
  const page = origin ?? `http://127.0.0.1:${proxy.port}`;
  return { app, response: await requestUpgrade(proxy.port, '/ws', { Origin: page }) };
}

describe.each([[NGINX, IN_NGINX] as const, [HAPROXY, IN_HAPROXY] as const])(
  'a mistake in the configuration',
  (kind, mistakes) => {
    kind.describe(`of ${kind.name}`, () => {
      expectNoUnhandledErrors();

      it.each(mistakes)('$name: the log names the cause and the cure', async (mistake) => {
        const { app, response } = await connectThrough(kind, mistake);
        expect(response.status).toBe(mistake.status);
        await until('the log line', () => app.log.of('warn').length === (mistake.log.length === 0 ? 0 : 1));
        for (const text of mistake.log) expect(app.log.of('warn')[0]).toContain(text);
      });
    });
  },
);

NGINX.describe('a proxy that tells no addresses', () => {
  it('gets ten times the limit for all its clients, and the log names the header that is missing', async () => {
    const options = { ...TRUSTING, limits: { maxConnectionsPerAddress: 1 } };
    const app = await startApp({ providers: [ChatGateway] }, { adapter: options });
    const change = (text: string): string => text.replace(/proxy_set_header X-Forwarded-For .*/, '');
    const { port } = await ReverseProxy.start(NGINX, [app.port], change);
    for (let client = 0; client < 10; client++) await app.connect('/ws', { port });
    await expect(app.connect('/ws', { port })).rejects.toThrow('429');
    expect(app.log.of('warn')).toEqual([expect.stringContaining('configure it to send X-Forwarded-For')]);
  });
});
