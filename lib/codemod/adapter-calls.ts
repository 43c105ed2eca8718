import type { ts } from 'ts-morph';
import { findApplication } from './bootstrap.js';
import { objectText, type FileMigration } from './file-migration.js';
import type { TransportOptions } from './transport-options.js';

const HERE = 'nestjs-envelope';
const OLD = '@nestjs/platform-socket.io';

/** Returns `new IoAdapter(…)` in a file. */
export function adapterCreations(file: FileMigration): ts.NewExpression[] {
  const { ts } = file.source;
  return file
    .namesOf(OLD, 'IoAdapter')
    .flatMap(({ local }) => file.source.usesOf(local))
    .filter(({ parent }) => ts.isNewExpression(parent))
    .map(({ parent }) => parent as ts.NewExpression);
}

/** Gives `new IoAdapter(app)`, which becomes `new EnvelopeAdapter`, its options. */
export function rewriteCreation(
  file: FileMigration,
  creation: ts.NewExpression,
  transport: TransportOptions,
): void {
  const { source } = file;
  const argument = creation.arguments?.[0];
  if (argument === undefined)
    return file.leave(
      creation,
      'main',
      'it has no application: pass the application, new EnvelopeAdapter(app, { … })',
    );
  if (
    !source.ts.isIdentifier(argument) &&
    argument.kind !== source.ts.SyntaxKind.ThisKeyword &&
    !source.ts.isPropertyAccessExpression(argument)
  )
    file.leave(
      argument,
      'main',
      `${source.textOf(argument)}: pass the application itself, whose gateways and guards the adapter reads`,
    );
  const margin = source.indentationAt(creation.getStart(source.tree));
  const column = source.tree.getLineAndCharacterOfPosition(argument.end).character;
  file.insert(
    argument.end,
    `, ${objectText(source, transport.propertiesWith(source.style.quote), margin, column)}`,
  );
  file.need('nestjs-envelope/socket.io', 'socketIO');
}

/** Adds the adapter to a file that creates the application and leaves it to Nest to load `IoAdapter`. */
export function addAdapterTo(file: FileMigration, transport: TransportOptions): void {
  const { source } = file;
  const application = findApplication(source);
  if ('reason' in application)
    return file.leave(
      source.tree.statements[0]!,
      'main',
      `${application.reason} (line ${application.line}): call app.useWebSocketAdapter(new EnvelopeAdapter(app, { … })) before it listens`,
    );
  const { variable, statement } = application;
  const { lineEnd, indent, semicolon } = source.style;
  const margin = source.indentationAt(statement.getStart(source.tree));
  const options = objectText(source, transport.propertiesWith(source.style.quote), margin + indent, 100);
  const lines = [
    `${variable}.useWebSocketAdapter(`,
    `${indent}new EnvelopeAdapter(${variable}, ${options}),`,
    `)${semicolon}`,
  ];
  file.insert(statement.end, lines.map((line) => lineEnd + margin + line).join(''));
  file.need(HERE, 'EnvelopeAdapter');
  file.need('nestjs-envelope/socket.io', 'socketIO');
}
