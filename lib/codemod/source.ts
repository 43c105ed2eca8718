import type { ts } from 'ts-morph';
import type { Compiler } from './compiler.js';

/** How a file is written: what inserted code follows. */
interface CodeStyle {
  readonly lineEnd: '\n' | '\r\n';
  /** One level of indentation. */
  readonly indent: string;
  readonly quote: "'" | '"';
  /** `;`, or nothing in a file that leaves semicolons out. */
  readonly semicolon: ';' | '';
}

/** A parsed file, alone: types and other files are unknown, names inside of the file are resolved. */
export class Source {
  readonly text: string;
  readonly tree: ts.SourceFile;
  readonly style: CodeStyle;
  private readonly program: ts.Program;
  private resolver: ts.TypeChecker | undefined;

  /** @param path decides by its ending whether the text is TypeScript or JavaScript */
  constructor(
    readonly ts: Compiler,
    readonly path: string,
    text: string,
  ) {
    this.text = text;
    this.tree = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
    this.program = ts.createProgram({
      rootNames: [path],
      options: { noLib: true, noResolve: true, allowJs: true, types: [] },
      host: this.hostOf(this.tree),
    });
    this.style = styleOf(text);
  }

  /** Whether the file is syntactically valid. */
  get isValid(): boolean {
    return this.program.getSyntacticDiagnostics(this.tree).length === 0;
  }

  /** Returns the line of a position, counted from 1. */
  lineOf(position: number): number {
    return this.tree.getLineAndCharacterOfPosition(position).line + 1;
  }

  /** Returns the text of a node, without comments before it. */
  textOf(node: ts.Node): string {
    return node.getText(this.tree);
  }

  /** Returns the whitespace at the start of the line of a position. */
  indentationAt(position: number): string {
    const lineStart = this.text.lastIndexOf('\n', position - 1) + 1;
    return /^[\t ]*/.exec(this.text.slice(lineStart))![0];
  }

  /** Returns the nodes of the file that pass a test, in their order. */
  find<Found extends ts.Node>(test: (node: ts.Node) => node is Found, within?: ts.Node): Found[];
  find(test: (node: ts.Node) => boolean, within?: ts.Node): ts.Node[];
  find(test: (node: ts.Node) => boolean, within: ts.Node = this.tree): ts.Node[] {
    const found: ts.Node[] = [];
    const visit = (node: ts.Node): void => {
      if (test(node)) found.push(node);
      this.ts.forEachChild(node, visit);
    };
    visit(within);
    return found;
  }

  /** Returns the uses of a declared name in this file, without the declaration itself. A name that hides it does not count. */
  usesOf(declared: ts.Identifier): ts.Identifier[] {
    const symbol = this.symbolOf(declared);
    return this.find(this.ts.isIdentifier).filter(
      (node) => node !== declared && node.text === declared.text && this.symbolOf(node) === symbol,
    );
  }

  /** Returns whether a file uses a name anywhere, in any sense. */
  hasName(name: string): boolean {
    return this.find(this.ts.isIdentifier).some((node) => node.text === name);
  }

  private symbolOf(node: ts.Identifier): ts.Symbol | undefined {
    this.resolver ??= this.program.getTypeChecker();
    const { parent } = node;
    if (this.ts.isShorthandPropertyAssignment(parent) && parent.name === node)
      return this.resolver.getShorthandAssignmentValueSymbol(parent);
    if (this.ts.isExportSpecifier(parent)) {
      return (parent.propertyName ?? parent.name) === node
        ? this.resolver.getExportSpecifierLocalTargetSymbol(parent)
        : undefined;
    }
    return this.resolver.getSymbolAtLocation(node);
  }

  private hostOf(tree: ts.SourceFile): ts.CompilerHost {
    const isThis = (name: string): boolean => name === tree.fileName;
    return {
      getSourceFile: (name) => (isThis(name) ? tree : undefined),
      fileExists: isThis,
      readFile: (name) => (isThis(name) ? tree.text : undefined),
      getDefaultLibFileName: () => 'lib.d.ts',
      getCurrentDirectory: () => '/',
      getCanonicalFileName: (name) => name,
      useCaseSensitiveFileNames: () => true,
      getNewLine: () => '\n',
      writeFile: () => undefined,
    };
  }
}

function styleOf(text: string): CodeStyle {
  const count = (pattern: RegExp): number => text.match(pattern)?.length ?? 0;
  const indent = /^(\t| {2,8})\S/m.exec(text)?.[1] ?? '  ';
  return {
    lineEnd: text.includes('\r\n') ? '\r\n' : '\n',
    indent,
    quote: count(/from "/g) > count(/from '/g) ? '"' : "'",
    semicolon: count(/^import .*[^;\s]\r?$/gm) > count(/^import .*;\r?$/gm) ? '' : ';',
  };
}
