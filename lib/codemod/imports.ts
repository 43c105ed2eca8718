import type { ts } from 'ts-morph';
import type { Source } from './source.js';
import type { Edit } from './text-edits.js';

/** A name that a file imports: `import { exported as local } from 'module'`. */
export interface ImportedName {
  readonly module: string;
  /** The name in the module; `*` for a namespace, `default` for a default import. */
  readonly exported: string;
  readonly local: ts.Identifier;
  readonly declaration: ts.ImportDeclaration;
  readonly specifier: ts.ImportSpecifier | undefined;
}

/** Returns the import declarations at the top of a file. */
export function importsOf(source: Source): ts.ImportDeclaration[] {
  return source.tree.statements.filter(source.ts.isImportDeclaration);
}

/** Returns the module that an import or export declaration names. */
export function moduleOf(declaration: ts.ImportDeclaration | ts.ExportDeclaration): string {
  return (declaration.moduleSpecifier as ts.StringLiteral | undefined)?.text ?? '';
}

/** Returns all names that a file imports. */
export function importedNames(source: Source): ImportedName[] {
  const { ts } = source;
  return importsOf(source).flatMap((declaration) => {
    const module = moduleOf(declaration);
    const { name, namedBindings } = declaration.importClause ?? {};
    const names: ImportedName[] = [];
    if (name !== undefined)
      names.push({ module, exported: 'default', local: name, declaration, specifier: undefined });
    if (namedBindings === undefined) return names;
    if (ts.isNamespaceImport(namedBindings))
      return [
        ...names,
        { module, exported: '*', local: namedBindings.name, declaration, specifier: undefined },
      ];
    for (const specifier of namedBindings.elements)
      names.push({
        module,
        exported: (specifier.propertyName ?? specifier.name).text,
        local: specifier.name,
        declaration,
        specifier,
      });
    return names;
  });
}

/**
 * Returns the edit that imports names from a module: in an import of it that exists, else in a line of its own behind the
 * last import of a package.
 *
 * @param changing import declarations that other edits replace
 */
export function addImport(
  source: Source,
  module: string,
  names: readonly string[],
  changing: ReadonlySet<ts.ImportDeclaration> = new Set(),
): Edit {
  const { ts, style } = source;
  const all = importsOf(source).filter((declaration) => !changing.has(declaration));
  const existing = all.find(
    (declaration) => moduleOf(declaration) === module && namedImports(source, declaration) !== undefined,
  );
  if (existing !== undefined) {
    const last = namedImports(source, existing)!.elements.at(-1)!;
    return { start: last.end, end: last.end, text: names.map((name) => `, ${name}`).join('') };
  }
  const line = importLine(source, module, names);
  const packages = all.filter((declaration) => !/^[./]/.test(moduleOf(declaration)));
  const before = packages.at(-1) ?? all.at(-1);
  if (before !== undefined) return { start: before.end, end: before.end, text: style.lineEnd + line };
  const start = ts.getShebang(source.text)?.length ?? 0;
  return { start, end: start, text: (start > 0 ? style.lineEnd : '') + line + style.lineEnd };
}

/** Returns an import declaration. */
export function importLine(
  { style }: Source,
  module: string,
  names: readonly string[],
  isType = false,
): string {
  const { quote, semicolon, indent, lineEnd } = style;
  const keyword = isType ? 'import type' : 'import';
  const from = `from ${quote}${module}${quote}${semicolon}`;
  const line = `${keyword} { ${names.join(', ')} } ${from}`;
  if (line.length <= 100) return line;
  return [`${keyword} {`, ...names.map((name) => `${indent}${name},`), `} ${from}`].join(lineEnd);
}

/** Returns the braces of an import that brings values, if it has any name in them. */
function namedImports(source: Source, declaration: ts.ImportDeclaration): ts.NamedImports | undefined {
  const bindings = declaration.importClause?.namedBindings;
  if (bindings === undefined || !source.ts.isNamedImports(bindings)) return undefined;
  return bindings.elements.length === 0 || isTypeOnly(declaration) ? undefined : bindings;
}

/** Returns whether a declaration is `import type …`. */
export function isTypeOnly(declaration: ts.ImportDeclaration): boolean {
  return declaration.importClause?.isTypeOnly === true;
}

/** Returns the edit that removes a whole statement, with the line that it stands on. */
export function removeStatement(source: Source, statement: ts.Statement): Edit {
  const start = statement.getStart(source.tree);
  const rest = /^[\t ]*(?:\r?\n)?/.exec(source.text.slice(statement.end))![0];
  return { start, end: statement.end + rest.length, text: '' };
}
