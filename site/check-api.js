// Checks the API reference: each exported function and class has an example, and each of their members a description.
import { readFileSync } from 'node:fs';
import process from 'node:process';

/** Numbers of `ReflectionKind` in TypeDoc. */
const FUNCTION = 64;
const CLASS = 128;
const METHOD = 2048;

const commentOf = ({ comment, signatures = [] }) => comment ?? signatures.find((one) => one.comment)?.comment;
const hasExample = (declaration) =>
  commentOf(declaration)?.blockTags?.some(({ tag }) => tag === '@example') === true;

const problems = [];
const project = JSON.parse(readFileSync(new URL('.vitepress/cache/api.json', import.meta.url), 'utf8'));
for (const entry of project.children) {
  for (const declaration of entry.children ?? []) {
    const { kind, name } = declaration;
    if ((kind === FUNCTION || kind === CLASS) && !hasExample(declaration))
      problems.push(`${entry.name}: ${name} has no @example`);
    for (const member of declaration.children ?? [])
      if (kind === CLASS && member.kind === METHOD && !member.inheritedFrom && !commentOf(member))
        problems.push(`${entry.name}: ${name}.${member.name} has no description`);
  }
}
if (problems.length > 0) {
  console.error(problems.join('\n'));
  process.exitCode = 1;
}
