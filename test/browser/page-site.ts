import { join } from 'node:path';
import process from 'node:process';
import { Controller, Get, Header, type Type } from '@nestjs/common';
import { bundleClient } from '../../scripts/client-bundle.js';

/**
 * Returns a controller that serves a page, and at `/page.js` the module that it imports.
 *
 * @param page the HTML
 * @param entry the source of the module, below the root of the repository; it is bundled
 */
export async function pageSite(page: string, entry: string): Promise<Type> {
  const bundle = await bundleClient(join(process.cwd(), entry));

  @Controller()
  class Site {
    @Get('/')
    @Header('Content-Type', 'text/html; charset=utf-8')
    page(): string {
      return page;
    }
    @Get('/page.js')
    @Header('Content-Type', 'text/javascript; charset=utf-8')
    script(): string {
      return bundle;
    }
  }
  return Site;
}
