// Checks commit subjects: type(scope): imperative, at most 72 characters. CONTRIBUTING.md states the rule.
// node scripts/check-commits.js [base]: the commits base..HEAD; default: all since the rule was introduced.
import { execFileSync } from 'node:child_process';

/** The last commit that the rule does not apply to. */
const BEFORE_THE_RULE = 'dbbacfdb439d';
const MAX_LENGTH = 72;
const TYPES = 'bench|build|chore|ci|docs|feat|fix|perf|refactor|revert|style|test';
const SUBJECT = new RegExp(`^(?:${TYPES})(?:\\([a-z\\d][a-z\\d./-]*\\))?!?: (?<text>\\S.*)$`);
/** Adds, added, adding; but not pass, focus, embed or bring. */
const NOT_IMPERATIVE =
  /^(?!(?:address|bypass|embed|exceed|feed|focus|need|proceed|seed|speed|bring|ring|string)$)\w+(?:[^s]s|ed|ing)$/i;

/** @returns {string | undefined} what is wrong with a subject */
export function problemOf(subject) {
  if (subject.length > MAX_LENGTH)
    return `has ${subject.length} characters, and at most ${MAX_LENGTH} are allowed`;
  const text = SUBJECT.exec(subject)?.groups?.text;
  if (text === undefined) return 'is not of the form type(scope): imperative';
  if (text.endsWith('.')) return 'ends with a period';
  const [first] = text.split(' ');
  if (/^[A-Z][a-z]+$/.test(first)) return `begins "${first}" with a capital letter`;
  if (NOT_IMPERATIVE.test(first)) return `begins with "${first}", which is not an imperative`;
  return undefined;
}

function git(...args) {
  return execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/**
 * @param {string | undefined} given of a branch that may have moved on; the default must be in the history of HEAD
 * @returns {string | undefined} the reason why it checks nothing
 */
function reasonToSkip(base, given) {
  try {
    git('rev-parse', '--git-dir');
  } catch {
    return 'this is not a git repository';
  }
  try {
    git('merge-base', ...(given === undefined ? ['--is-ancestor'] : []), base, 'HEAD');
    return undefined;
  } catch {
    const isShallow = git('rev-parse', '--is-shallow-repository').trim() === 'true';
    return `${base} shares no history with HEAD here${isShallow ? ': this is a shallow clone' : ''}`;
  }
}

function main(given) {
  const base = given ?? BEFORE_THE_RULE;
  const reason = reasonToSkip(base, given);
  if (reason !== undefined) {
    console.log(`Commit subjects are not checked: ${reason}`);
    return;
  }
  const log = git('log', '--no-merges', '--format=%h %s', `${base}..HEAD`);
  const commits = log.split('\n').filter((line) => line !== '');
  for (const commit of commits) {
    const [hash, ...words] = commit.split(' ');
    const problem = problemOf(words.join(' '));
    if (problem === undefined) continue;
    console.error(`${hash} "${words.join(' ')}" ${problem}`);
    process.exitCode = 1;
  }
  console.log(`Checked ${commits.length} commit subjects since ${base}`);
}

if (import.meta.filename === process.argv[1]) main(process.argv[2] || undefined);
