import type { ts } from 'ts-morph';
import { importedNames } from './imports.js';
import type { Source } from './source.js';

/** Where a file creates the Nest application. */
interface CreatedApplication {
  /** The name of the variable. */
  readonly variable: string;
  /** The statement that assigns it: `const app = await NestFactory.create(AppModule);`. */
  readonly statement: ts.Statement;
}

/** Why an adapter cannot be inserted into a file. `line` counts from 1. */
export interface Obstacle {
  readonly line: number;
  readonly reason: string;
}

/** Finds the one statement of a file that creates the application with `NestFactory.create`. */
export function findApplication(source: Source): CreatedApplication | Obstacle {
  const factories = importedNames(source).filter(
    ({ module, exported }) => module === '@nestjs/core' && exported === 'NestFactory',
  );
  const uses = factories.flatMap(({ local }) => source.usesOf(local));
  const calls = uses.map((use) => factoryCall(source, use)).filter((call) => call !== undefined);
  const creations = calls.filter(({ method }) => method === 'create');
  const [creation, second] = creations;
  if (creation === undefined) {
    const [other] = calls;
    if (other === undefined) return { line: 1, reason: 'it does not call NestFactory.create' };
    return {
      line: source.lineOf(other.call.getStart(source.tree)),
      reason: `it calls NestFactory.${other.method}, which serves no gateways, and not NestFactory.create`,
    };
  }
  const line = source.lineOf((second ?? creation).call.getStart(source.tree));
  if (second !== undefined) return { line, reason: 'it calls NestFactory.create more than once' };
  return (
    assignment(source, creation.call) ?? {
      line,
      reason: 'the result of NestFactory.create is not assigned to a variable',
    }
  );
}

/** Returns the calls of `useWebSocketAdapter` in a file. */
export function adapterCalls(source: Source): ts.CallExpression[] {
  const { ts } = source;
  return source
    .find(ts.isCallExpression)
    .filter(
      ({ expression }) =>
        ts.isPropertyAccessExpression(expression) && expression.name.text === 'useWebSocketAdapter',
    );
}

interface FactoryCall {
  readonly method: string;
  readonly call: ts.CallExpression;
}

function factoryCall({ ts }: Source, factory: ts.Identifier): FactoryCall | undefined {
  const access = factory.parent;
  if (!ts.isPropertyAccessExpression(access) || access.expression !== factory) return undefined;
  const call = access.parent;
  if (!ts.isCallExpression(call) || call.expression !== access) return undefined;
  return { method: access.name.text, call };
}

/** Returns `const app = await call;` or `app = await call;`, if that is what surrounds a call. */
function assignment({ ts }: Source, call: ts.CallExpression): CreatedApplication | undefined {
  if (!ts.isAwaitExpression(call.parent)) return undefined;
  let value: ts.Expression = call.parent;
  while (ts.isAsExpression(value.parent) || ts.isParenthesizedExpression(value.parent)) value = value.parent;
  const { parent } = value;
  if (ts.isVariableDeclaration(parent) && ts.isIdentifier(parent.name)) {
    const statement = parent.parent.parent;
    if (!ts.isVariableStatement(statement)) return undefined;
    return { variable: parent.name.text, statement };
  }
  const isAssignment =
    ts.isBinaryExpression(parent) &&
    parent.operatorToken.kind === ts.SyntaxKind.EqualsToken &&
    ts.isIdentifier(parent.left) &&
    ts.isExpressionStatement(parent.parent) &&
    (ts.isBlock(parent.parent.parent) || ts.isSourceFile(parent.parent.parent));
  return isAssignment
    ? { variable: (parent.left as ts.Identifier).text, statement: parent.parent as ts.Statement }
    : undefined;
}
