import type { ts } from 'ts-morph';
import type { FileMigration } from './file-migration.js';
import { CORS_STRING, corsOf, fateOf } from './option-table.js';

/** An option of a gateway that goes away: to `socketIO()`, or altogether. */
interface GatewayOption {
  readonly name: string;
  /** The value, as it is written. */
  readonly text: string;
  readonly file: FileMigration;
  readonly property: ts.ObjectLiteralElementLike;
  readonly fate: 'transport' | 'drop';
}

/** A class with `@WebSocketGateway`. */
export interface Gateway {
  readonly file: FileMigration;
  readonly options: ts.ObjectLiteralExpression | undefined;
  readonly decorator: ts.CallExpression;
}

/** Finds the gateways of a file. */
export function gatewaysOf(file: FileMigration): Gateway[] {
  const { source } = file;
  const { ts } = source;
  const names = file.namesOf('@nestjs/websockets', 'WebSocketGateway').map(({ local }) => local.text);
  return source
    .find(ts.isDecorator)
    .map(({ expression }) => expression)
    .filter(ts.isCallExpression)
    .filter(({ expression }) => ts.isIdentifier(expression) && names.includes(expression.text))
    .map((decorator) => ({
      file,
      decorator,
      options: decorator.arguments.find(ts.isObjectLiteralExpression),
    }));
}

/** Sorts the options of Socket.IO in the gateways: returns those that go away, and reports what nothing here does. */
export function obsoleteOptions(gateways: readonly Gateway[]): GatewayOption[] {
  const candidates = gateways.flatMap(readOptions);
  return candidates.filter(({ name, text, file, property, fate }) => {
    // several paths are several transports; any other option has one value for all gateways
    const same = candidates.filter((other) => other.name === name && other.text === text);
    if (fate === 'drop' || name === 'path' || same.length === gateways.length) return true;
    file.leave(
      property,
      'options',
      `${name}: not all gateways have it. With IoAdapter, the first gateway that Nest binds decides for all. If it ` +
        `should hold, set it in socketIO({ ${name} }); remove it here`,
    );
    return false;
  });
}

function readOptions({ file, options, decorator }: Gateway): GatewayOption[] {
  const { source } = file;
  const { ts } = source;
  const last = decorator.arguments.at(-1);
  if (last !== undefined && last !== options && !ts.isNumericLiteral(last))
    file.leave(last, 'options', `${source.textOf(last)}: compare these options with the table`);
  return (options?.properties ?? []).flatMap((property) => {
    const { name: key } = property;
    if (key === undefined || ts.isComputedPropertyName(key)) {
      file.leave(property, 'options', `${source.textOf(property)}: compare these options with the table`);
      return [];
    }
    const name = key.text;
    const value = ts.isPropertyAssignment(property) ? property.initializer : undefined;
    const text = value === undefined ? name : source.textOf(value);
    const fate = fateOf(name, text);
    if (name === 'cors' && value !== undefined && CORS_STRING.test(text))
      file.replace(property.getStart(source.tree), property.end, corsOf(text));
    const isPortable = value !== undefined && isLiteral(file, value);
    if (fate === 'drop' || (fate === 'transport' && isPortable))
      return [{ name, text, file, property, fate }];
    if (typeof fate === 'object') file.leave(property, 'options', `${name}: ${fate.missing}`);
    else if (fate === 'transport')
      file.leave(
        property,
        'options',
        `${name}: its value is no literal. Set it in socketIO({ ${name} }), and remove it here`,
      );
    return [];
  });
}

/** Returns whether an expression means the same in any file. */
function isLiteral({ source }: FileMigration, value: ts.Expression): boolean {
  return (
    source.find((node) => source.ts.isIdentifier(node) && !source.ts.isPropertyAssignment(node.parent), value)
      .length === 0
  );
}

/** Removes options with their commas, and an options object that has no others. */
export function removeOptions(options: readonly GatewayOption[]): void {
  const files = new Map(
    options.map(({ property, file }) => [property.parent as ts.ObjectLiteralExpression, file]),
  );
  for (const [object, file] of files) {
    const gone = new Set(options.map(({ property }) => property));
    if (object.properties.every((property) => gone.has(property))) removeArgument(file, object);
    else removeProperties(file, object, gone);
  }
}

function removeProperties(
  file: FileMigration,
  { properties }: ts.ObjectLiteralExpression,
  gone: ReadonlySet<ts.ObjectLiteralElementLike>,
): void {
  const { tree } = file.source;
  let start: number | undefined;
  for (const [index, property] of properties.entries()) {
    if (gone.has(property)) start ??= property.getStart(tree);
    else if (start !== undefined) {
      file.remove(start, property.getStart(tree));
      start = undefined;
    }
    // the last ones go with the comma before them
    const before = properties.filter((one) => !gone.has(one)).at(-1)!;
    if (index === properties.length - 1 && start !== undefined) file.remove(before.end, property.end);
  }
}

function removeArgument(file: FileMigration, object: ts.ObjectLiteralExpression): void {
  const { arguments: all } = object.parent as ts.CallExpression;
  const before = all[all.findIndex((argument) => argument === object) - 1];
  file.remove(before?.end ?? object.getStart(file.source.tree), object.end);
}
