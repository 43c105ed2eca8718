// Checks the API reference: each exported function and class, and each member that users call, has an example, and each method
// a description. `test/documentation/types.spec.ts` compiles the examples.
import { readFileSync } from 'node:fs';
import process from 'node:process';

/** Numbers of `ReflectionKind` in TypeDoc. */
const FUNCTION = 64;
const CLASS = 128;
const INTERFACE = 256;
const METHOD = 2_048;
const ACCESSOR = 262_144;

const problems = [];
const project = JSON.parse(readFileSync(new URL('.vitepress/cache/api.json', import.meta.url), 'utf8'));
const exported = new Map(
  project.children
    .flatMap(({ children = [] }) => children)
    .map((declaration) => [declaration.id, declaration]),
);

/** The comments of a declaration: a function has one for each signature. */
const commentsOf = ({ comment, signatures = [], getSignature }) =>
  [comment, getSignature?.comment, ...signatures.map((signature) => signature.comment)].filter(Boolean);
const examplesOf = (declaration) =>
  commentsOf(declaration).flatMap(({ blockTags = [] }) => blockTags.filter(({ tag }) => tag === '@example'));
const textOf = ({ summary = [], content = summary }) => content.map(({ text }) => text).join('');

/** A value of a primitive type needs no example: its name and description say what it is. */
function isPrimitive(type) {
  if (type.type === 'union') return type.types.every(isPrimitive);
  if (type.type === 'reference') return isPrimitive(exported.get(type.target)?.type ?? { type: 'other' });
  return type.type === 'intrinsic' || type.type === 'literal';
}

/** Members of the class itself, or of a base class that is not exported, without those that Nest or JavaScript call. */
function isCalledByUsers(member) {
  const { name, flags, inheritedFrom } = member;
  if (flags.isProtected === true || name.startsWith('[') || inheritedFrom?.target > 0) return false;
  return !commentsOf(member).some((comment) => /\bNest calls it\b|^Called by Nest\b/.test(textOf(comment)));
}

const needsExample = ({ kind, getSignature }) =>
  kind === METHOD || (kind === ACCESSOR && getSignature !== undefined && !isPrimitive(getSignature.type));

/** An interface that applications implement shows that in its own example. */
const isImplemented = (declaration) =>
  examplesOf(declaration).some((example) =>
    new RegExp(`(: |implements )${declaration.name}\\b`).test(textOf(example)),
  );

for (const entry of project.children)
  for (const declaration of entry.children ?? []) {
    const { kind, name, children = [] } = declaration;
    if ((kind === FUNCTION || kind === CLASS) && examplesOf(declaration).length === 0)
      problems.push(`${entry.name}: ${name} has no @example`);
    if (kind !== CLASS && kind !== INTERFACE) continue;
    for (const member of children.filter(isCalledByUsers)) {
      const where = `${entry.name}: ${name}.${member.name}`;
      if (member.kind === METHOD && commentsOf(member).length === 0)
        problems.push(`${where} has no description`);
      if (needsExample(member) && examplesOf(member).length === 0 && !isImplemented(declaration))
        problems.push(`${where} has no @example`);
    }
  }
if (problems.length > 0) {
  console.error(problems.join('\n'));
  process.exitCode = 1;
}
