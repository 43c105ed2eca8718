import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';

/**
 * Compares a text with a file of test/contract/golden. `UPDATE_GOLDEN=1 npm test -- contract/types` writes the files: read
 * what changed before you commit it.
 */
export async function expectGolden(name: string, text: string): Promise<void> {
  const file = join(process.cwd(), 'test/contract/golden', name);
  if (process.env['UPDATE_GOLDEN'] === '1') await writeFile(file, text);
  expect(text).toBe(await readFile(file, 'utf8').catch(() => `${name} is missing`));
}
