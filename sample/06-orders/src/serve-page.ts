import type { NestExpressApplication } from '@nestjs/platform-express';

/** Vite names these files after their content. */
const HASHED = /[\\/]assets[\\/]/;

/** Serves the page that `vite build` wrote. Nothing is loaded from anywhere else, and the browser sees to it. */
export function servePage(app: NestExpressApplication, folder: string): void {
  app.useStaticAssets(folder, {
    setHeaders: (response, path) => {
      response.setHeader('Content-Security-Policy', "default-src 'self'; img-src 'self' data:");
      response.setHeader(
        'Cache-Control',
        HASHED.test(path) ? 'public, max-age=31536000, immutable' : 'no-cache',
      );
    },
  });
}
