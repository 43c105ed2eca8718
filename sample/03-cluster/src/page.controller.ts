import { createReadStream, readdirSync } from 'node:fs';
import { extname, join } from 'node:path';
import { Controller, Get, NotFoundException, Param, StreamableFile } from '@nestjs/common';

const TYPES = new Map([
  ['.html', 'text/html'],
  ['.css', 'text/css'],
  ['.js', 'text/javascript'],
  ['.svg', 'image/svg+xml'],
]);
/** The files of the page by name: those of this sample, and those that samples share. */
const FILES = new Map(
  ['../public', '../../shared']
    .map((folder) => join(import.meta.dirname, folder))
    .flatMap((folder) => readdirSync(folder).map((name) => [name, join(folder, name)] as const)),
);

/** Serves the web page. */
@Controller()
export class PageController {
  @Get(['/', ':file'])
  file(@Param('file') name = 'index.html'): StreamableFile {
    const path = FILES.get(name);
    if (path === undefined) throw new NotFoundException();
    return new StreamableFile(createReadStream(path), { type: `${TYPES.get(extname(path))}; charset=utf-8` });
  }
}
