// Builds the page of a sample from the sources of this package: build-page.mjs <folder of the sample> <folder to write>
import process from 'node:process';
import { join, resolve } from 'node:path';
import { build } from 'vite';

// React's development build, whose warnings tests read
process.env.NODE_ENV = 'development';

const [sample, outDir] = process.argv.slice(2);
const source = (entry) => resolve(`lib/${entry}/index.ts`);

await build({
  configFile: join(sample, 'vite.config.js'),
  root: join(sample, 'web'),
  logLevel: 'warn',
  build: { outDir: resolve(outDir), emptyOutDir: true },
  resolve: {
    alias: { 'nestjs-envelope/client': source('client'), 'nestjs-envelope/react': source('react') },
  },
});
