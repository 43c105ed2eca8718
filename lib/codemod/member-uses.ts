import type { ts } from 'ts-morph';
import type { FileMigration } from './file-migration.js';
import { nameHere, SERVER_MEMBERS, SOCKET_MEMBERS } from './names.js';
import { isReserved } from '../protocol/reserved-events.js';

/** Members of the engine that `EnvelopeServer` does not have. */
const ENGINE = /\.engine\.(?:use|on|once|generateId|opts)\b/;

/** Reports uses of members that servers and sockets do not have here, and of events with reserved names. */
export function reportMembers(file: FileMigration): void {
  const { ts } = file.source;
  for (const access of file.source.find(ts.isPropertyAccessExpression)) {
    const kind = kindOf(file, access.expression);
    if (kind === undefined || file.isRemoved(access)) continue;
    const members = kind === 'EnvelopeServer' ? SERVER_MEMBERS : SOCKET_MEMBERS;
    const { text } = access.name;
    if (!Object.hasOwn(members, text) || !isMissing(file, access)) continue;
    file.leave(access, 'gateways', `${file.source.textOf(access)}: ${members[text]}`);
  }
}

function isMissing({ source }: FileMigration, access: ts.PropertyAccessExpression): boolean {
  const { ts } = source;
  const { parent } = access;
  if (access.name.text === 'engine') return ENGINE.test(source.textOf(parent));
  return access.name.text !== 'adapter' || (ts.isCallExpression(parent) && parent.expression === access);
}

/** Returns what an expression is by the type that its declaration names: `client: Socket`, `this.server` of `server: Server`. */
function kindOf(file: FileMigration, expression: ts.Expression): string | undefined {
  const { ts } = file.source;
  const isMember =
    ts.isPropertyAccessExpression(expression) && expression.expression.kind === ts.SyntaxKind.ThisKeyword;
  const name = isMember ? expression.name : expression;
  return ts.isIdentifier(name) ? kinds(file, isMember).get(name.text) : undefined;
}

const known = new WeakMap<FileMigration, Map<boolean, Map<string, string>>>();

/** The variables and parameters of a file with such a type or, with `ofClass`, its properties. */
function kinds(file: FileMigration, ofClass: boolean): Map<string, string> {
  const ofFile = known.get(file) ?? new Map<boolean, Map<string, string>>();
  known.set(file, ofFile);
  const found = ofFile.get(ofClass) ?? findKinds(file, ofClass);
  ofFile.set(ofClass, found);
  return found;
}

function findKinds(file: FileMigration, ofClass: boolean): Map<string, string> {
  const { ts } = file.source;
  const found = new Map<string, string>();
  const injected = file
    .namesOf('@nestjs/websockets', 'WebSocketServer')
    .flatMap(({ local }) => file.source.usesOf(local));
  for (const { parent: call } of injected) {
    const property = call.parent?.parent;
    if (ofClass && property !== undefined && ts.isPropertyDeclaration(property))
      found.set(file.source.textOf(property.name), 'EnvelopeServer');
  }
  for (const name of file.imported) {
    const kind = nameHere(name.module, name.exported);
    if (
      name.module === 'ws' ||
      file.kept.has(name) ||
      (kind !== 'EnvelopeServer' && kind !== 'EnvelopeSocket')
    )
      continue;
    for (const { parent: reference } of file.source.usesOf(name.local)) {
      const declaration = reference.parent;
      if (!ts.isTypeReferenceNode(reference)) continue;
      if (ts.isPropertyDeclaration(declaration)) {
        if (ofClass) found.set(file.source.textOf(declaration.name), kind);
        continue;
      }
      if (!ts.isParameter(declaration) && !ts.isVariableDeclaration(declaration)) continue;
      const isProperty = ts.isParameterPropertyDeclaration(declaration, declaration.parent);
      if (isProperty || !ofClass) found.set(declaration.name.getText(file.source.tree), kind);
    }
  }
  return found;
}

/** Reports events that no client can send, and no server can emit. */
export function reportEvents(file: FileMigration): void {
  const { ts } = file.source;
  for (const call of file.source.find(ts.isCallExpression)) {
    const [event] = call.arguments;
    if (event === undefined || !ts.isStringLiteralLike(event)) continue;
    const { expression } = call;
    const isHandler = ts.isIdentifier(expression) && expression.text === 'SubscribeMessage';
    const isEmit =
      ts.isPropertyAccessExpression(expression) && /^emit(?:WithAck)?$/.test(expression.name.text);
    if (!(isHandler || isEmit)) continue;
    if (isReserved(event.text) || (isHandler && event.text === 'exception'))
      file.leave(
        call,
        'gateways',
        `the event ${JSON.stringify(event.text)} is reserved: choose another name, also in the clients`,
      );
  }
}

/** Reports clients of `WsAdapter` whose messages the gateway reads itself: here, `on` is for events of the envelope. */
export function reportRawMessages(file: FileMigration): void {
  const { ts } = file.source;
  // a client is a parameter of a method: other emitters with messages, such as a Redis client, are in properties and variables
  const parameters = file.source.find(ts.isParameter).map(({ name }) => name);
  for (const { parent: access } of parameters
    .filter(ts.isIdentifier)
    .flatMap((name) => file.source.usesOf(name))) {
    if (
      !ts.isPropertyAccessExpression(access) ||
      !/^(?:on|once|addListener|addEventListener)$/.test(access.name.text)
    )
      continue;
    const call = access.parent;
    const [event] = ts.isCallExpression(call) && call.expression === access ? call.arguments : [];
    if (event === undefined || !ts.isStringLiteralLike(event) || event.text !== 'message') continue;
    const name = file.source.textOf(access.expression);
    file.leave(
      call,
      'wsFormat',
      `${file.source.textOf(access)}('message'): here it receives events named "message", and not every message. Use ` +
        `@SubscribeMessage; or, if your clients send another format than { event, data }, messageParser and ${name}.ws`,
    );
  }
}
