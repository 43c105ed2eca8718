import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import react from '@vitejs/plugin-react';
import { createServer } from 'vite';
import { serveCommands } from './program.js';

const LIB = join(process.cwd(), 'lib');

// In a child process, because Vite's bundler takes no objects of Jest's realm.
serveCommands({
  /**
   * Serves the page of a folder, with this package from its sources. Returns the port.
   *
   * @param sockets the URL to which Vite forwards the WebSockets of `/page`
   */
  async serve(root: string, sockets: string) {
    const server = await createServer({
      root,
      configFile: false,
      logLevel: 'error',
      cacheDir: join(root, '.vite'),
      plugins: [react()],
      resolve: {
        alias: {
          'nestjs-envelope/react': join(LIB, 'react/index.ts'),
          'nestjs-envelope/client': join(LIB, 'client/index.ts'),
        },
        dedupe: ['react'],
      },
      optimizeDeps: { include: ['react', 'react-dom/client', 'react/jsx-dev-runtime'] },
      server: {
        host: '127.0.0.1',
        port: 0,
        fs: { allow: [root, process.cwd()] },
        proxy: { '/page': { target: sockets, ws: true } },
      },
    });
    await server.listen();
    return (server.httpServer!.address() as AddressInfo).port;
  },
});

// keeps the process alive while Vite starts
process.channel!.ref();
