import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

const MAX_WIDTH = 135;
const FOLDERS = ['lib', 'test', 'bench', 'scripts', 'sample'];
/** Files that this package generates for users, as it does for any contract. */
const GENERATED = /\/(?:golden|typed-client)\/|^sample\/06-orders\/web\/events\.ts$/;
const COMMENT = /^\s*(?:\/\/|\/\*|\*)/;

/** Neither the linter nor the formatter knows the width of comments. */
describe('comments', () => {
  it('have no line that is wider than CONTRIBUTING.md says', () => {
    const listing = ['ls-files', '--cached', '--others', '--exclude-standard', ...FOLDERS];
    const files = execFileSync('git', listing, { encoding: 'utf8' })
      .split('\n')
      // git lists a file that was deleted and not committed, too
      .filter((file) => /\.(?:[cm]?[jt]s|tsx|css)$/.test(file) && !GENERATED.test(file) && existsSync(file));
    expect(files.length).toBeGreaterThan(1_000);
    const wide = files.flatMap((file) =>
      readFileSync(file, 'utf8')
        .split('\n')
        .flatMap((line, index) =>
          line.length > MAX_WIDTH && COMMENT.test(line) ? [`${file}:${index + 1}`] : [],
        ),
    );
    expect(wide).toEqual([]);
  });
});
