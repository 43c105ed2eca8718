import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Returns the version of this package, from the `package.json` above the started script. */
export function version(): string {
  // npm links to the script
  let folder = dirname(realpathSync(process.argv[1]!));
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string }).version;
}
