import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What a contract is called where its application does not say. */
const UNKNOWN = { title: 'Application', version: '0.0.0' };

/**
 * The name and version of the application, from its package.json: the nearest one above the script that was started, else
 * above the working directory. Those of packages, such as a test runner's, do not count.
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
  // that of a build's folder says nothing but its module format
  if (typeof found['name'] === 'string' && found['name'] !== '')
    return {
      title: found['name'],
      version: typeof found['version'] === 'string' ? found['version'] : UNKNOWN.version,
    };
  const above = dirname(folder);
  return above === folder ? undefined : nearest(above);
}

function read(file: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(readFileSync(file, 'utf8'))) as Record<string, unknown>;
  } catch {
    return {};
  }
}
