import type { ts } from 'ts-morph';
import type { FileMigration } from './file-migration.js';
import {
  addImport,
  importLine,
  importsOf,
  isTypeOnly,
  moduleOf,
  removeStatement,
  type ImportedName,
} from './imports.js';
import { isOldModule, nameHere } from './names.js';
import type { Source } from './source.js';

const HERE = 'nestjs-envelope';

/** A name that the file will import from here instead. */
interface Replacement {
  readonly old: ImportedName;
  /** The name in this package; `undefined` if the file no longer uses it. */
  readonly name: string | undefined;
  /** The name in the file, if it has to differ from `name`. */
  readonly alias: string | undefined;
  /** Whether the old import stays, for `WebSocket.OPEN`. */
  readonly isKept: boolean;
}

/** Imports the names of Socket.IO, `ws` and Nest's adapters from this package, and renames their uses. Runs after all other edits. */
export function rewriteImports(file: FileMigration, hasGateway: boolean): void {
  const old = file.imported.filter((name) => isOldModule(name.module, hasGateway) && !file.kept.has(name));
  for (const name of old) if (name.exported === '*') rewriteNamespace(file, name);
  const replacements = old
    .filter(({ exported }) => exported !== '*')
    .map((name) => replacementOf(file, name))
    .filter((replacement) => replacement !== undefined);
  for (const replacement of replacements) renameUses(file, replacement);
  editImports(file, replacements);
  rewriteReexports(file);
  reportStrings(file);
}

function replacementOf(file: FileMigration, old: ImportedName): Replacement | undefined {
  const uses = file.usesOf(old);
  const wasUsed = file.source.usesOf(old.local).length > 0;
  if (wasUsed && uses.length === 0) return { old, name: undefined, alias: undefined, isKept: false };
  const name = nameHere(old.module, old.exported);
  if (name === undefined) {
    // ws itself, such as its close codes, is not what a gateway has to give up
    if (old.module !== 'ws')
      file.leave(
        old.specifier ?? old.local,
        'gateways',
        `${old.exported} of ${old.module} has no counterpart in ${HERE}`,
      );
    return undefined;
  }
  const isAliased = old.specifier?.propertyName !== undefined;
  const isTaken =
    old.local.text !== name &&
    file.source.hasName(name) &&
    !file.imported.some((other) => other.module === HERE && other.local.text === name);
  const alias = isAliased || isTaken ? old.local.text : undefined;
  const values = uses.filter((use) => isForeignValue(file, old, use));
  if (values.length === 0) return { old, name, alias, isKept: false };
  if (values.every((use) => isReadyState(file, old, use))) {
    if (values.length === uses.length) return undefined;
    if (alias === undefined) return { old, name, alias, isKept: true };
  }
  file.leave(
    values[0]!,
    old.module === 'ws' ? 'wsTypes' : 'gateways',
    `${old.local.text} of ${old.module} is used as a value: clients and servers of gateways have the type ${name}`,
  );
  return undefined;
}

/** `import * as io from 'socket.io'`: its members get the names that they have here. */
function rewriteNamespace(file: FileMigration, { module, local, declaration }: ImportedName): void {
  const { source } = file;
  const { ts } = source;
  const members = source
    .usesOf(local)
    .map(({ parent }) => (ts.isQualifiedName(parent) ? parent.right : undefined));
  const names = members.map((member) => member && nameHere(module, member.text));
  if (names.length === 0 || names.includes(undefined)) {
    const section = module === 'ws' ? 'wsTypes' : 'gateways';
    return file.leave(
      declaration,
      section,
      `${source.textOf(declaration)}: import EnvelopeServer and EnvelopeSocket from ${HERE} for the types of gateways`,
    );
  }
  members.forEach((member, index) => file.replace(member!.getStart(source.tree), member!.end, names[index]!));
  const { quote } = source.style;
  const { moduleSpecifier } = declaration;
  file.replace(moduleSpecifier.getStart(source.tree), moduleSpecifier.end, quote + HERE + quote);
}

/** Returns whether a use needs the class of the other package: `new Server()`, `extends Socket`, `WebSocket.OPEN`. */
function isForeignValue({ source: { ts } }: FileMigration, old: ImportedName, use: ts.Identifier): boolean {
  if (old.module.startsWith('@nestjs/')) return false;
  const { parent } = use;
  if (ts.isNewExpression(parent) || ts.isPropertyAccessExpression(parent)) return parent.expression === use;
  return ts.isExpressionWithTypeArguments(parent) && ts.isClassLike(parent.parent.parent);
}

/** Returns whether a use is a constant of `ws`: `WebSocket.OPEN`. */
function isReadyState(
  { source: { ts } }: FileMigration,
  old: ImportedName,
  { parent }: ts.Identifier,
): boolean {
  return (
    old.module === 'ws' &&
    ts.isPropertyAccessExpression(parent) &&
    /^(?:CONNECTING|OPEN|CLOSING|CLOSED)$/.test(parent.name.text)
  );
}

function renameUses(file: FileMigration, { old, name, alias, isKept }: Replacement): void {
  if (name === undefined || alias !== undefined || old.local.text === name) return;
  const { ts } = file.source;
  for (const use of file.usesOf(old)) {
    if (isKept && isReadyState(file, old, use)) continue;
    const { parent } = use;
    const isShort =
      (ts.isShorthandPropertyAssignment(parent) && parent.name === use) ||
      (ts.isExportSpecifier(parent) && parent.propertyName === undefined);
    const start = use.getStart(file.source.tree);
    if (!isShort) file.replace(start, use.end, name);
    else if (ts.isExportSpecifier(parent)) file.replace(start, use.end, `${name} as ${use.text}`);
    else file.replace(start, use.end, `${use.text}: ${name}`);
  }
}

function editImports(file: FileMigration, replacements: readonly Replacement[]): void {
  const { source } = file;
  const declarations = new Set(replacements.map(({ old }) => old.declaration));
  const existing = importsOf(source).find((one) => moduleOf(one) === HERE && !isTypeOnly(one));
  const open = namesToImport(file, replacements, existing);
  if (existing !== undefined && open.values.length > 0)
    file.edits.push(addImport(source, HERE, open.values.splice(0)));
  const lines = new Map<ts.ImportDeclaration, string[]>();
  for (const declaration of declarations) {
    // the first declaration of each kind takes all names of that kind
    const isType = isTypeOnly(declaration);
    const names = isType
      ? open.types.splice(0)
      : [...open.values.splice(0), ...open.types.splice(0).map((name) => `type ${name}`)];
    lines.set(declaration, names.length === 0 ? [] : [importLine(source, HERE, names, isType)]);
  }
  const [first] = [...lines.values()].filter((texts) => texts.length > 0);
  const others = [...file.needs].filter(([module]) => module !== HERE);
  for (const [module, names] of [[HERE, open.values] as const, ...others]) {
    const missing = [...names].filter((name) => file.namesOf(module, name).length === 0);
    if (missing.length === 0) continue;
    if (first !== undefined) first.push(importLine(source, module, missing));
    else file.edits.push(addImport(source, module, missing, declarations));
  }
  for (const [declaration, texts] of lines) replaceDeclaration(file, declaration, replacements, texts);
}

/** The specifiers that the file needs from this package, those of `import type` apart. */
function namesToImport(
  file: FileMigration,
  replacements: readonly Replacement[],
  existing: ts.ImportDeclaration | undefined,
): { values: string[]; types: string[] } {
  const present = new Set(
    file.imported.filter(({ declaration }) => declaration === existing).map(({ local }) => local.text),
  );
  const specifiers = replacements.flatMap(specifierOf);
  const values = new Set(file.needs.get(HERE));
  for (const { text, isType } of specifiers) if (!isType) values.add(text);
  const types = new Set(
    specifiers.filter(({ text, isType }) => isType && !values.has(text)).map(({ text }) => text),
  );
  const sorted = (names: Set<string>): string[] => [...names].filter((name) => !present.has(name)).sort();
  return { values: sorted(values), types: sorted(types) };
}

function specifierOf({ old, name, alias }: Replacement): { text: string; isType: boolean }[] {
  if (name === undefined) return [];
  const isType = isTypeOnly(old.declaration) || old.specifier?.isTypeOnly === true;
  return [{ text: alias === undefined || alias === name ? name : `${name} as ${alias}`, isType }];
}

/** Takes names out of an import, which goes away with the last of them, and puts other lines in its place or behind it. */
function replaceDeclaration(
  file: FileMigration,
  declaration: ts.ImportDeclaration,
  replacements: readonly Replacement[],
  lines: readonly string[],
): void {
  const { source } = file;
  const gone = new Set(replacements.filter(({ isKept }) => !isKept).map(({ old }) => old));
  const rest = file.imported.filter((name) => name.declaration === declaration && !gone.has(name));
  const text = lines.join(source.style.lineEnd);
  if (rest.length === 0 && text === '') file.edits.push(removeStatement(source, declaration));
  else if (rest.length === 0) file.replace(declaration.getStart(source.tree), declaration.end, text);
  else {
    const clause = declaration.importClause!;
    const start = (clause.name ?? clause.namedBindings!).getStart(source.tree);
    file.replace(start, clause.end, clauseOf(source, rest));
    if (text !== '') file.insert(declaration.end, source.style.lineEnd + text);
  }
}

function clauseOf(source: Source, names: readonly ImportedName[]): string {
  const inBraces = names.flatMap(({ specifier }) =>
    specifier === undefined ? [] : [source.textOf(specifier)],
  );
  const parts = names
    .filter(({ specifier }) => specifier === undefined)
    .map(({ exported, local }) => (exported === '*' ? `* as ${local.text}` : local.text));
  if (inBraces.length > 0) parts.push(`{ ${inBraces.join(', ')} }`);
  return parts.join(', ');
}

/** `export { Server, Socket } from 'socket.io'` */
function rewriteReexports(file: FileMigration): void {
  const { source } = file;
  const { ts } = source;
  for (const declaration of source.tree.statements.filter(ts.isExportDeclaration)) {
    const module = moduleOf(declaration);
    if (!isOldModule(module, false)) continue;
    const { exportClause, moduleSpecifier } = declaration;
    const elements =
      exportClause !== undefined && ts.isNamedExports(exportClause) ? [...exportClause.elements] : [];
    const names = elements.map((element) => nameHere(module, (element.propertyName ?? element.name).text));
    if (elements.length === 0 || names.includes(undefined)) {
      file.leave(
        declaration,
        'gateways',
        `it exports names of ${module} that ${HERE} does not have, or all of them`,
      );
      continue;
    }
    elements.forEach((element, index) => {
      const exported = element.name.text;
      const name = names[index]!;
      file.replace(
        (element.propertyName ?? element.name).getStart(source.tree),
        element.end,
        name === exported ? name : `${name} as ${exported}`,
      );
    });
    const { quote } = source.style;
    file.replace(moduleSpecifier!.getStart(source.tree), moduleSpecifier!.end, `${quote}${HERE}${quote}`);
  }
}

/** Reports `import()`, `require()`, `declare module` and mocks of the other packages: what they are for is not known. */
function reportStrings(file: FileMigration): void {
  const { ts } = file.source;
  for (const text of file.source.find(ts.isStringLiteral)) {
    const { parent } = text;
    if (!isOldModule(text.text, false) || ts.isImportDeclaration(parent) || ts.isExportDeclaration(parent))
      continue;
    const advice = ts.isModuleDeclaration(parent)
      ? 'it adds members to a class of Socket.IO: use client.user, client.data, or a type of your own'
      : 'it loads or names the module in another way than import … from';
    file.leave(parent, 'gateways', `${file.source.textOf(text)}: ${advice}`);
  }
}
