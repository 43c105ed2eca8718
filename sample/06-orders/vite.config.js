import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** The Nest application. `npm run dev` starts it beside Vite's server. */
const SERVER = `http://localhost:${process.env.PORT ?? 3011}`;

export default defineConfig({
  root: 'web',
  plugins: [react()],
  build: { outDir: '../dist/web', emptyOutDir: true },
  server: {
    // The gateway refuses pages of other origins, so the proxy speaks as the page of the server itself.
    proxy: { '^/orders$': { target: SERVER, ws: true, changeOrigin: true, headers: { origin: SERVER } } },
  },
});
