import type { ts } from 'ts-morph';
import { addAdapterTo, adapterCreations, rewriteCreation } from './adapter-calls.js';
import {
  readAdapterClass,
  reportAdapterTypes,
  reportOverrides,
  rewriteAdapterClass,
  subclassesOf,
} from './adapter-class.js';
import { adapterCalls } from './bootstrap.js';
import type { Compiler } from './compiler.js';
import { FileMigration } from './file-migration.js';
import { gatewaysOf, obsoleteOptions, removeOptions, type Gateway } from './gateways.js';
import type { Finding } from './guide.js';
import { rewriteImports } from './import-rewrites.js';
import { reportEvents, reportMembers, reportRawMessages } from './member-uses.js';
import { isOldModule } from './names.js';
import { Source } from './source.js';
import { applyEdits } from './text-edits.js';
import { TransportOptions } from './transport-options.js';

/** A file that the codemod changes. */
export interface Change {
  readonly file: string;
  readonly before: string;
  readonly after: string;
}

/** What the codemod does with a project. */
export interface Migration {
  readonly changes: readonly Change[];
  /** What it leaves, in the order of files and lines. */
  readonly findings: readonly Finding[];
  /** Whether the clients of the application are those of Socket.IO. */
  readonly isSocketIo: boolean;
}

/** Files that mention none of these need no look. */
const RELEVANT =
  /socket\.io|IoAdapter|WsAdapter|WebSocketGateway|NestFactory|createNestApplication|useWebSocketAdapter/;
const OLD_ADAPTER = '@nestjs/platform-socket.io';

/**
 * Moves the code of an application from Socket.IO or `WsAdapter` to this package, without writing anything.
 *
 * @param files the text of all source files, by their path
 * @param dependencies the names of the packages in `package.json`
 */
export function migrate(
  ts: Compiler,
  files: ReadonlyMap<string, string>,
  dependencies: ReadonlySet<string>,
): Migration {
  const relevant = [...files].filter(([, text]) => RELEVANT.test(text));
  const all = relevant.map(([path, text]) => new FileMigration(new Source(ts, path, text)));
  const valid = all.filter((file) => file.source.isValid);
  for (const file of all.filter((one) => !one.source.isValid))
    file.leave(file.source.tree, 'gateways', 'it has syntax errors');
  const uses = (module: string): boolean =>
    valid.some((file) => file.imported.some((name) => name.module === module));
  const isSocketIo =
    uses('socket.io') || uses(OLD_ADAPTER) || (dependencies.has(OLD_ADAPTER) && !uses('@nestjs/platform-ws'));
  const gateways = valid.flatMap(gatewaysOf);
  const loadsIoAdapter = dependencies.has(OLD_ADAPTER) || uses(OLD_ADAPTER);
  if (isSocketIo)
    for (const program of new Set(valid.map(programOf))) {
      const isOfProgram = (file: FileMigration): boolean => programOf(file) === program;
      migrateAdapters(
        valid.filter(isOfProgram),
        gateways.filter(({ file }) => isOfProgram(file)),
        loadsIoAdapter,
      );
    }
  for (const file of valid) migrateFile(file, gateways, isSocketIo);
  const changes = valid.map(changeOf).filter(({ before, after }) => before !== after);
  const findings = all.flatMap((file) => [...file.findings].sort((a, b) => a.line - b.line));
  return { changes, findings, isSocketIo };
}

/** Returns the folder of an application or library in a monorepo; an empty name in any other project. */
function programOf({ source: { path } }: FileMigration): string {
  return /^(?:apps|libs|packages|projects|services)\/[^/]+(?=\/)/.exec(path)?.[0] ?? '';
}

function migrateAdapters(
  files: readonly FileMigration[],
  gateways: readonly Gateway[],
  loadsIoAdapter: boolean,
): void {
  const classes = files.flatMap((file) =>
    subclassesOf(file, OLD_ADAPTER, 'IoAdapter').map((node) => ({ file, node })),
  );
  const read = classes.map(({ file, node }) => ({ file, node, adapter: readAdapterClass(file, node) }));
  // a class that stays as it is needs the imports of its file, so the others of that file stay, too
  const kept = new Set(read.filter(({ adapter }) => adapter === undefined).map(({ file }) => file));
  for (const file of kept) keepOldNames(file);
  const readable = read.flatMap(({ file, adapter }) =>
    adapter === undefined || kept.has(file) ? [] : [adapter],
  );
  const creations = files
    .filter((file) => !kept.has(file))
    .flatMap((file) => adapterCreations(file).map((creation) => ({ file, creation })));
  const rest = [
    ...read.filter(({ file, adapter }) => kept.has(file) && adapter !== undefined),
    ...[...kept].flatMap((file) => adapterCreations(file).map((node) => ({ file, node }))),
  ];
  for (const { file, node } of rest)
    file.leave(
      node,
      'main',
      'it stays as it is, because another class of this file does: move one of them to another file',
    );
  const bare = loadsIoAdapter ? programsWithoutAdapter(files, gateways) : [];
  const options = obsoleteOptions(gateways);
  const moved = options.filter(({ fate }) => fate === 'transport');
  // where an adapter stays as it is, its gateways keep what it reads
  if (kept.size === 0 && readable.length + creations.length + bare.length > 0) removeOptions(options);
  else
    for (const { file, property, name } of moved)
      file.leave(
        property,
        'options',
        `${name}: there is no changed adapter that could take it. Set it in socketIO({ ${name} }), and remove it here`,
      );
  const hasDefaultPath = gateways.some(
    ({ options: object }) =>
      !moved.some(({ property, name }) => name === 'path' && property.parent === object),
  );
  const transport = new TransportOptions(kept.size === 0 ? moved : [], hasDefaultPath);
  for (const adapter of readable) rewriteAdapterClass(adapter, transport);
  for (const { file, creation } of creations) rewriteCreation(file, creation, transport);
  for (const file of bare) addAdapterTo(file, transport);
}

function keepOldNames(file: FileMigration): void {
  for (const name of file.imported) if (isOldModule(name.module, false)) file.kept.add(name);
}

/** The files that create an application for which nothing below their folder sets an adapter, though there are gateways. */
function programsWithoutAdapter(
  files: readonly FileMigration[],
  gateways: readonly Gateway[],
): FileMigration[] {
  const folderOf = ({ source }: FileMigration): string =>
    source.path.slice(0, source.path.lastIndexOf('/') + 1);
  return files.filter((file) => {
    if (file.namesOf('@nestjs/core', 'NestFactory').length === 0 || !/\.create\s*[<(]/.test(file.source.text))
      return false;
    const folder = folderOf(file);
    const below = files.filter(({ source }) => source.path.startsWith(folder));
    const hasAdapter = below.some(({ source }) => adapterCalls(source).length > 0);
    return !hasAdapter && gateways.some((gateway) => gateway.file.source.path.startsWith(folder));
  });
}

function migrateFile(file: FileMigration, gateways: readonly Gateway[], isSocketIo: boolean): void {
  const hasGateway = gateways.some((gateway) => gateway.file === file);
  for (const node of subclassesOf(file, '@nestjs/platform-ws', 'WsAdapter'))
    if (reportOverrides(file, node, 'WsAdapter'))
      for (const name of file.namesOf('@nestjs/platform-ws', 'WsAdapter')) file.kept.add(name);
  if (isSocketIo) reportMembers(file);
  else if (hasGateway) reportRawMessages(file);
  reportAdapterTypes(file);
  if (hasGateway) reportEvents(file);
  reportTests(file);
  rewriteImports(file, hasGateway);
}

/** Reports applications of tests that have no adapter: Nest loads `IoAdapter` for them. */
function reportTests(file: FileMigration): void {
  const { ts } = file.source;
  if (!/socket\.io-client/.test(file.source.text) || adapterCalls(file.source).length > 0) return;
  const isCreation = (node: ts.Node): node is ts.CallExpression =>
    ts.isCallExpression(node) &&
    ts.isPropertyAccessExpression(node.expression) &&
    node.expression.name.text === 'createNestApplication';
  for (const call of file.source.find(isCreation))
    file.leave(
      call,
      'main',
      'this application has no adapter: call app.useWebSocketAdapter(new EnvelopeAdapter(app, { transports: [socketIO()] }))',
    );
}

function changeOf({ source, edits }: FileMigration): Change {
  return { file: source.path, before: source.text, after: applyEdits(source.text, edits) };
}
