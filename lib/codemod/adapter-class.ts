import type { ts } from 'ts-morph';
import { ServerFactoryReader, superCall, type ServerFactory } from './server-factory.js';
import { objectText, withMargin, type FileMigration } from './file-migration.js';
import { ADAPTER_MEMBERS } from './names.js';
import type { TransportOptions } from './transport-options.js';

/** A subclass of `IoAdapter` that can become one of `EnvelopeAdapter`. */
interface AdapterClass {
  readonly file: FileMigration;
  readonly node: ts.ClassLikeDeclaration;
  readonly constructorNode: ts.ConstructorDeclaration | undefined;
  readonly method: ts.MethodDeclaration | undefined;
  readonly factory: ServerFactory;
}

/** Returns the classes of a file that extend an adapter of Nest: `IoAdapter` or `WsAdapter`. */
export function subclassesOf(
  file: FileMigration,
  module: string,
  exported: string,
): ts.ClassLikeDeclaration[] {
  const { ts } = file.source;
  return file
    .namesOf(module, exported)
    .flatMap(({ local }) => file.source.usesOf(local))
    .map(({ parent }) => parent)
    .filter(ts.isExpressionWithTypeArguments)
    .map(({ parent }) => parent.parent)
    .filter(ts.isClassLike);
}

/** Reads a subclass of `IoAdapter`. Reports what it does that has no counterpart, and returns `undefined` then. */
export function readAdapterClass(
  file: FileMigration,
  node: ts.ClassLikeDeclaration,
): AdapterClass | undefined {
  const { ts } = file.source;
  const constructorNode = node.members.find(ts.isConstructorDeclaration);
  const method = node.members
    .filter(ts.isMethodDeclaration)
    .find((member) => file.source.textOf(member.name) === 'createIOServer');
  const before = file.findings.length;
  reportOverrides(file, node, 'IoAdapter');
  const reader = new ServerFactoryReader(file, constructorNode);
  const factory = reader.read(method);
  reader.checkConstructor();
  return file.findings.length > before ? undefined : { file, node, constructorNode, method, factory };
}

/** Reports types such as `IoAdapter['createIOServer']`: the method is not here. */
export function reportAdapterTypes(file: FileMigration): void {
  const { ts } = file.source;
  for (const { local } of file.namesOf('@nestjs/platform-socket.io', 'IoAdapter'))
    for (const { parent } of file.source.usesOf(local)) {
      const type = parent.parent;
      if (ts.isIndexedAccessTypeNode(type) && type.objectType === parent)
        file.leave(
          type,
          'main',
          `${file.source.textOf(type)}: EnvelopeAdapter has no such member. Its options are EnvelopeOptions`,
        );
    }
}

/** Rewrites the class: the constructor passes what `createIOServer` did to `super()`. */
export function rewriteAdapterClass(adapter: AdapterClass, transport: TransportOptions): void {
  const { file, node, constructorNode, method, factory } = adapter;
  const { source } = file;
  const { lineEnd, indent, semicolon } = source.style;
  const margin = source.indentationAt(node.getStart(source.tree)) + indent;
  const inside = margin + indent;
  const properties = [
    ...transport.propertiesWith(source.style.quote, factory.transport),
    ...factory.properties,
  ];
  const options = objectText(source, properties, inside, inside.length + 12);
  file.need('nestjs-envelope/socket.io', 'socketIO');
  if (constructorNode !== undefined) {
    const call = superCall(file, constructorNode)!;
    const argument = call.arguments[0]!;
    const locals = factory.locals.map((local) => withMargin(local, inside) + lineEnd + inside).join('');
    if (locals !== '') file.insert(call.parent.getStart(source.tree), locals);
    file.insert(argument.end, `, ${options}`);
    if (method !== undefined) removeMember(file, node, method);
  } else {
    const lines = [
      'constructor(app?: object) {',
      ...factory.locals.map((local) => inside + withMargin(local, inside)),
      `${inside}super(app, ${options})${semicolon}`,
      `${margin}}`,
    ].join(lineEnd);
    addConstructor(adapter, lines, margin);
  }
  publishLogger(file, node);
}

/**
 * Reports members of a subclass that `EnvelopeAdapter` has, too. Returns whether it has any: the class then stays as it is.
 *
 * @param adapter the class that it extends
 */
export function reportOverrides(
  file: FileMigration,
  node: ts.ClassLikeDeclaration,
  adapter: 'IoAdapter' | 'WsAdapter',
): boolean {
  const { ts } = file.source;
  const fields =
    node.members
      .find(ts.isConstructorDeclaration)
      ?.parameters.filter((one) => ts.isParameterPropertyDeclaration(one, one.parent)) ?? [];
  const overrides = [...node.members, ...fields].filter((member) => {
    const isStatic =
      ts.canHaveModifiers(member) &&
      ts.getModifiers(member)?.some(({ kind }) => kind === ts.SyntaxKind.StaticKeyword);
    const name = member.name === undefined ? '' : file.source.textOf(member.name);
    return isStatic !== true && ADAPTER_MEMBERS.includes(name);
  });
  for (const member of overrides) {
    const reason = ts.isMethodDeclaration(member)
      ? `it overrides a method of ${adapter} that works differently in EnvelopeAdapter`
      : 'EnvelopeAdapter has a member of this name: choose another';
    file.leave(
      member,
      adapter === 'IoAdapter' ? 'main' : 'wsSubclasses',
      `${file.source.textOf(member.name!)}: ${reason}. The class is unchanged`,
    );
  }
  return overrides.length > 0;
}

/** Nest's adapters have a protected `logger`; a private one of a subclass would contradict it. */
function publishLogger(file: FileMigration, node: ts.ClassLikeDeclaration): void {
  const { ts, tree } = file.source;
  for (const member of node.members.filter(ts.isPropertyDeclaration)) {
    const modifiers = ts.getModifiers(member) ?? [];
    const isStatic = modifiers.some(({ kind }) => kind === ts.SyntaxKind.StaticKeyword);
    if (file.source.textOf(member.name) !== 'logger' || isStatic) continue;
    const access = modifiers.find(({ kind }) => kind === ts.SyntaxKind.PrivateKeyword);
    const isOverride = modifiers.some(({ kind }) => kind === ts.SyntaxKind.OverrideKeyword);
    if (access !== undefined)
      file.replace(access.getStart(tree), access.end, isOverride ? 'protected' : 'protected override');
  }
}

function addConstructor({ file, node, method }: AdapterClass, text: string, margin: string): void {
  const { ts, tree, style } = file.source;
  const first = node.members.find((member) => !ts.isPropertyDeclaration(member));
  if (method !== undefined && first === method) return file.remove(method.getStart(tree), method.end, text);
  if (method !== undefined) removeMember(file, node, method);
  const gap = style.lineEnd + style.lineEnd;
  if (first !== undefined) return file.insert(first.getStart(tree), `${text}${gap}${margin}`);
  const last = node.members.at(-1);
  const end = last?.end ?? node.members.pos;
  const close = last === undefined ? style.lineEnd : '';
  file.insert(end, `${last === undefined ? style.lineEnd : gap}${margin}${text}${close}`);
}

/** Removes a member with the comments above it. */
function removeMember(file: FileMigration, node: ts.ClassLikeDeclaration, member: ts.ClassElement): void {
  const isFirst = node.members[0] === member;
  const blank = isFirst
    ? (/^(?:\r?\n)(?=\r?\n)/.exec(file.source.text.slice(member.end))?.[0].length ?? 0)
    : 0;
  file.remove(member.pos, member.end + blank);
}
