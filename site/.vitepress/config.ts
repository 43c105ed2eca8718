import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig, type DefaultTheme } from 'vitepress';
import { sourceLinks } from './source-links.js';

interface Manifest {
  version: string;
  repository?: { url: string };
}
const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as Manifest;
const repository = manifest.repository?.url.replace(/^git\+|\.git$/g, '');

/** A group of the sidebar: `[title, page below docs/]`, or a path from the root of the repository. */
const group = (text: string, ...pages: [title: string, page: string][]): DefaultTheme.SidebarItem => ({
  text,
  collapsed: false,
  items: pages.map(([title, page]) => ({
    text: title,
    link: page.startsWith('/') ? page : `/docs/${page}`,
  })),
});

const sidebar = [
  group(
    'Start',
    ['What it is', '/'],
    ['Getting started', 'getting-started'],
    ['Samples', '/sample/'],
    ['Comparison', 'comparison'],
    ['Questions', 'faq'],
  ),
  group(
    'Build',
    ['Gateways', 'gateways'],
    ['Requests and streams', 'requests'],
    ['Rooms and broadcasts', 'rooms'],
    ['Users and presence', 'presence'],
    ['Microservices', 'microservices'],
    ['Bytes and MessagePack', 'messagepack'],
    ['Options', 'options'],
  ),
  group(
    'Deliver',
    ['Recovery', 'recovery'],
    ['History of rooms', 'history'],
    ['Reliable messages', 'reliable'],
    ['What is promised', 'delivery'],
    ['Guarantees', 'guarantees'],
  ),
  group(
    'Clients',
    ['The client', 'client'],
    ['React', 'react'],
    ['Vue, Angular, Svelte', 'recipes'],
    ['Socket.IO clients', 'socketio-clients'],
    ['Features by client', 'features-by-client'],
    ['HTTP where WebSockets fail', 'http-streaming'],
    ['Command line', 'cli'],
  ),
  group(
    'Protect',
    ['Authentication', 'authentication'],
    ['Origins and proxies', 'origins'],
    ['HTTP/2', 'http2'],
    ['Limits and shutdown', 'limits'],
    ['Attacks and their tests', '/SECURITY'],
  ),
  group(
    'Describe and test',
    ['Contract, validation, types', 'contract'],
    ['Explorer', 'explorer'],
    ['Live console', 'console'],
    ['Testing', 'testing'],
  ),
  group(
    'Run',
    ['Scaling out', 'scaling'],
    ['Observability', 'observability'],
    ['Operations', 'operations'],
    ['Error reporting', 'errors-reporting'],
    ['Deployment', 'deploy/'],
    ['Capacity', 'capacity'],
    ['Compression', 'compression'],
    ['Performance', 'performance'],
    ['Memory', 'memory'],
    ['Troubleshooting', 'troubleshooting'],
    ['Errors', 'errors'],
  ),
  group(
    'Migrate',
    ['From Socket.IO', 'migrating-from-socket.io'],
    ['Differences from Socket.IO', 'differences-from-socket.io'],
    ['From socket.io-client', 'from-socket.io-client'],
    ['From WsAdapter', 'migrating-from-ws-adapter'],
  ),
  group(
    'Reference',
    ['API', 'api/'],
    ['Protocol', '/PROTOCOL'],
    ['Conformance', 'conformance'],
    ['Architecture', 'architecture'],
    ['Contributing', '/CONTRIBUTING'],
    ['Releases', 'releases'],
    ['Changelog', '/CHANGELOG'],
  ),
];

/** Guides come before the pages of single names, which repeat them many times. It runs in the browser, so it stands alone. */
const rankOf = (page: string): number => (page.startsWith('/docs/api/') ? 0.2 : 1);

const icon = readFileSync(new URL('../../sample/01-chat/public/icon.svg', import.meta.url), 'utf8');

export default defineConfig({
  title: 'nestjs-envelope',
  description: 'NestJS gateways over plain WebSocket, with rooms, acknowledgements, recovery and clusters',
  // addresses of programs that run on the reader's machine
  ignoreDeadLinks: 'localhostLinks',
  // The pages are those of the repository, where they are, so that their links work in both.
  srcDir: fileURLToPath(new URL('../..', import.meta.url)),
  srcExclude: ['**/node_modules/**', 'test/**', 'lib/**', 'bench/**', 'site/**'],
  outDir: './dist',
  rewrites: (path) => path.replace(/(^|\/)README\.md$/, '$1index.md'),
  cleanUrls: true,
  head: [
    ['link', { rel: 'icon', type: 'image/svg+xml', href: `data:image/svg+xml,${encodeURIComponent(icon)}` }],
  ],
  markdown: { config: (markdown) => sourceLinks(markdown, repository) },
  themeConfig: {
    nav: [
      { text: 'Getting started', link: '/docs/getting-started' },
      { text: 'API', link: '/docs/api/' },
      { text: 'Protocol', link: '/PROTOCOL' },
      { text: manifest.version, link: '/CHANGELOG' },
    ],
    sidebar,
    outline: [2, 3],
    search: { provider: 'local', options: { miniSearch: { searchOptions: { boostDocument: rankOf } } } },
    ...(repository !== undefined && { socialLinks: [{ icon: 'github', link: repository }] }),
  },
});
