import { createReadStream } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Controller, Get, NotFoundException, Param, StreamableFile } from '@nestjs/common';

const require = createRequire(import.meta.url);
const PUBLIC = join(import.meta.dirname, '../public');
const TYPES = new Map([
  ['index.html', 'text/html'],
  ['page.css', 'text/css'],
  ['page.js', 'text/javascript'],
  ['connection.js', 'text/javascript'],
  ['journal.js', 'text/javascript'],
  ['session.js', 'text/javascript'],
  ['view.js', 'text/javascript'],
  ['icon.svg', 'image/svg+xml'],
]);

/** Serves the web page. */
@Controller()
export class PageController {
  @Get('client.min.js')
  client(): StreamableFile {
    const path = require.resolve('nestjs-envelope/client.min.js');
    return new StreamableFile(createReadStream(path), { type: 'text/javascript; charset=utf-8' });
  }

  @Get(['/', ':file'])
  file(@Param('file') name = 'index.html'): StreamableFile {
    const type = TYPES.get(name);
    if (type === undefined) throw new NotFoundException();
    return new StreamableFile(createReadStream(join(PUBLIC, name)), { type: `${type}; charset=utf-8` });
  }
}
