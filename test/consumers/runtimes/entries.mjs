// Loads each entry of the package, by import and by require, and prints the names of both.
import { createRequire } from 'node:module';
import process from 'node:process';

const require = createRequire(import.meta.url);
const { name, exports } = require('nestjs-envelope/package.json');
const entries = {};
for (const path of Object.keys(exports)) {
  const specifier = path.replace('.', name);
  // data, and a bundle of ./client for browsers
  if (path.endsWith('.json') || path.endsWith('.min.js')) continue;
  const imported = Object.keys(await import(specifier)).sort();
  const required = Object.keys(require(specifier)).sort();
  entries[path] = { imported, required };
}
console.log(JSON.stringify(entries));
// some entries keep timers of their peers
process.exit(0);
