import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { Controller, Get, Inject, NotFoundException, Param, StreamableFile } from '@nestjs/common';
import { ENVELOPE_OPTIONS, type EnvelopeOptions } from 'nestjs-envelope';

const PUBLIC = join(import.meta.dirname, '../public');
const TYPES = new Map([
  ['index.html', 'text/html'],
  ['chat.css', 'text/css'],
  ['chat.js', 'text/javascript'],
  ['connection.js', 'text/javascript'],
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
    return new StreamableFile(createReadStream(join(PUBLIC, name)), { type: `${type}; charset=utf-8` });
  }
}
