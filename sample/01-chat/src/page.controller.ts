import { createReadStream, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { Controller, Get, Inject, NotFoundException, Param, StreamableFile } from '@nestjs/common';
import { ENVELOPE_OPTIONS, type EnvelopeOptions } from 'nestjs-envelope';

const TYPES = new Map([
  ['.html', 'text/html'],
  ['.css', 'text/css'],
  ['.js', 'text/javascript'],
  ['.svg', 'image/svg+xml'],
]);
/** The folder with the build of Socket.IO's client for browsers. */
const SOCKET_IO = join(
  dirname(createRequire(import.meta.url).resolve('socket.io-client/package.json')),
  'dist',
);
/** The files of the page by name: those of this sample, those that samples share, and Socket.IO's client. */
const FILES = new Map(
  ['../public', '../../shared']
    .map((folder) => join(import.meta.dirname, folder))
    .flatMap((folder) => readdirSync(folder).map((name) => [name, join(folder, name)] as const)),
).set('socket.io.esm.min.js', join(SOCKET_IO, 'socket.io.esm.min.js'));

/** Serves the web page of the chat. */
@Controller()
export class PageController {
  constructor(@Inject(ENVELOPE_OPTIONS) private readonly options: EnvelopeOptions) {}

  /** Returns the port and the path of the gateway. */
  @Get('settings.json')
  settings(): { port: number; path: string } {
    const { port = 0, path = '/' } = this.options;
    return { port, path };
  }

  @Get(['/', ':file'])
  file(@Param('file') name = 'index.html'): StreamableFile {
    const path = FILES.get(name);
    if (path === undefined) throw new NotFoundException();
    return new StreamableFile(createReadStream(path), { type: `${TYPES.get(extname(path))}; charset=utf-8` });
  }
}
