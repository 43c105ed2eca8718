import { createReadStream } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Controller, Get, Inject, NotFoundException, Param, StreamableFile } from '@nestjs/common';
import { ENVELOPE_OPTIONS, type EnvelopeOptions } from 'nestjs-envelope';

const PUBLIC = join(import.meta.dirname, '../public');
/** The folder with the build of Socket.IO's client for browsers. */
const SOCKET_IO = join(
  dirname(createRequire(import.meta.url).resolve('socket.io-client/package.json')),
  'dist',
);
const TYPES = new Map([
  ['index.html', 'text/html'],
  ['chat.css', 'text/css'],
  ['chat.js', 'text/javascript'],
  ['connection.js', 'text/javascript'],
  ['socket-io-connection.js', 'text/javascript'],
  ['socket.io.esm.min.js', 'text/javascript'],
  ['view.js', 'text/javascript'],
  ['icon.svg', 'image/svg+xml'],
]);

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
    const type = TYPES.get(name);
    if (type === undefined) throw new NotFoundException();
    const folder = name.startsWith('socket.io') ? SOCKET_IO : PUBLIC;
    return new StreamableFile(createReadStream(join(folder, name)), { type: `${type}; charset=utf-8` });
  }
}
