import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { ts } from 'ts-morph';

/** Stands for a part of a text that depends on the application. */
const VARIABLE = '\0';
const LIB = join(process.cwd(), 'lib');
/** Programs print to their own output. The pages of the explorer are generated. */
const NO_SERVER = /^(cli|codemod|conformance|react|schematics|testing)\/|^explorer\/(console-)?page\.ts$/;

export interface LogTexts {
  /** Every text of the sources. */
  readonly all: ReadonlySet<string>;
  /** The texts that calls pass to the log, by their place. */
  readonly logged: ReadonlyMap<string, string>;
  /** Files that pass a text from elsewhere to the log. */
  readonly forwarding: ReadonlySet<string>;
}

/** Returns the possible texts of an expression, or `undefined` for one that is no text. */
function textsOf(node: ts.Expression): string[] | undefined {
  if (ts.isStringLiteralLike(node)) return [node.text];
  if (ts.isParenthesizedExpression(node)) return textsOf(node.expression);
  if (ts.isConditionalExpression(node)) {
    const [whenTrue, whenFalse] = [textsOf(node.whenTrue), textsOf(node.whenFalse)];
    return whenTrue && whenFalse && [...whenTrue, ...whenFalse];
  }
  if (ts.isTemplateExpression(node))
    return [node.head.text + node.templateSpans.map(({ literal }) => VARIABLE + literal.text).join('')];
  if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.PlusToken) {
    const [left, right] = [textsOf(node.left), textsOf(node.right)];
    if (left === undefined && right === undefined) return undefined;
    return (left ?? [VARIABLE]).flatMap((before) => (right ?? [VARIABLE]).map((after) => before + after));
  }
  // escapes control characters
  if (ts.isCallExpression(node) && node.expression.getText() === 'printable')
    return textsOf(node.arguments[0]!);
  return undefined;
}

/** Returns the argument of a call that becomes a line of the log; `undefined` for other calls. */
function loggedArgument({ expression, arguments: list }: ts.CallExpression): ts.Expression | undefined {
  const name = ts.isPropertyAccessExpression(expression) ? expression.name.text : expression.getText();
  const isLogger = /(?:\b[lL]ogger|LOGGER|Logger\('\w+'\)|diag)\.(?:warn|error)$/.test(expression.getText());
  if (isLogger) return list[0];
  if (/^(?:_?warn|warnOnce)$/.test(name)) return list.at(-1);
  return /^_?report$/.test(name) || expression.getText() === 'log' ? list[1] : undefined;
}

/** Collects the texts of the sources. */
export function readLogTexts(): LogTexts {
  const all = new Set<string>();
  const logged = new Map<string, string>();
  const forwarding = new Set<string>();
  for (const file of readdirSync(LIB, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts') || NO_SERVER.test(file)) continue;
    const source = ts.createSourceFile(
      file,
      readFileSync(join(LIB, file), 'utf8'),
      ts.ScriptTarget.Latest,
      true,
    );
    const variables = new Map<string, string[]>();
    const calls: ts.Expression[] = [];
    const visit = (node: ts.Node): void => {
      const texts = textsOf(node as ts.Expression);
      texts?.forEach((text) => all.add(text));
      if (texts && ts.isVariableDeclaration(node.parent)) variables.set(node.parent.name.getText(), texts);
      const argument = ts.isCallExpression(node) ? loggedArgument(node) : undefined;
      if (argument !== undefined) calls.push(argument);
      ts.forEachChild(node, visit);
    };
    visit(source);
    for (const argument of calls) {
      const texts = textsOf(argument) ?? variables.get(argument.getText());
      const own = texts?.filter((text) => /[a-z]/.test(text)) ?? [];
      const { line } = source.getLineAndCharacterOfPosition(argument.getStart());
      own.forEach((text, at) => logged.set(`${file}:${line + 1}.${at}`, text));
      if (own.length === 0) forwarding.add(file);
    }
  }
  return { all, logged, forwarding };
}

/** Returns a pattern for a quoted text: `…` stands for any part, as a variable of the source does. */
export function patternOf(quote: string): RegExp {
  return new RegExp(
    `^${quote
      .split('…')
      .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      .join('[^]*')}$`,
  );
}
