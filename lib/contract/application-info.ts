import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Title and version of a contract if no package.json names them. */
const UNKNOWN = { title: 'Application', version: '0.0.0' };

/**
 * Returns the name and version from the application's package.json: the nearest one above the started script, or else above the
 * working directory. A package.json in `node_modules`, such as a test runner's, is ignored.
 */
export function applicationInfo(): { title: string; version: string } {
  const [, script] = process.argv;
  for (const start of [...(script === undefined ? [] : [dirname(script)]), process.cwd()]) {
    if (/[\\/]node_modules[\\/]/.test(`${start}/`)) continue;
    const found = nearest(start);
    if (found !== undefined) return found;
  }
  return UNKNOWN;
}

function nearest(folder: string): { title: string; version: string } | undefined {
  const found = read(join(folder, 'package.json'));
  // the package.json of a build folder may contain only the module format
  if (typeof found['name'] === 'string' && found['name'] !== '')
    return {
      title: found['name'],
      version: typeof found['version'] === 'string' ? found['version'] : UNKNOWN.version,
    };
  const parent = dirname(folder);
  return parent === folder ? undefined : nearest(parent);
}

function read(file: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(readFileSync(file, 'utf8'))) as Record<string, unknown>;
  } catch {
    return {};
  }
}
