// Prints every module that the process loads, on stderr: `node --import loaded-modules.mjs program.mjs`.
import { writeSync } from 'node:fs';
import { createRequire, register } from 'node:module';

const print = (url) => writeSync(2, `loaded ${url}\n`);
const hook = `
import { writeSync } from 'node:fs';
export async function load(url, context, next) {
  writeSync(2, 'loaded ' + url + '\\n');
  return next(url, context);
}`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);
// the hook does not see what CommonJS modules require
const { cache } = createRequire(import.meta.url);
process.on('exit', () => Object.keys(cache).forEach(print));
