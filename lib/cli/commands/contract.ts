import { formatOf } from '../../contract/contract-formats.js';
import type { Contract } from '../../contract/asyncapi-types.js';
import { eventMapsOf, type ChannelEvent, type EventMaps } from '../../contract/types/event-maps.js';
import { readContract } from '../../contract/types/read-contract.js';
import type { Command, Context } from '../command.js';
import { describePayloads } from '../contract/describe-schema.js';
import { OUTPUT_FILE, readOutputFile, writeOrCheck } from '../contract/output-file.js';
import { checkSource, readSource } from '../contract/read-source.js';
import { EXIT } from '../exit-codes.js';
import type { Output } from '../output.js';

/** Shows a contract, or copies it to a file. */
export const command: Command = {
  usage: '<contract>',
  text: [
    'Checks a contract, and prints its paths and events. With --out it writes the contract as JSON or YAML instead.',
    'The contract is a file that writeContract() wrote, the URL of an explorer, or - for standard input.',
  ].join('\n'),
  options: { Contract: OUTPUT_FILE },
  examples: [
    'contract asyncapi.yaml',
    'contract http://localhost:3000/ws-docs --out asyncapi.yaml',
    'contract http://localhost:3000/ws-docs --out asyncapi.yaml --check',
  ],
  run,
};

async function run({ args, output, signal }: Context): Promise<number> {
  const [source = ''] = args.positionals;
  checkSource(source);
  const file = readOutputFile(args);
  const format = file && formatOf('--out', file.file);
  const contract = readContract(await readSource(source, signal), source);
  if (file !== undefined) return writeOrCheck(file, format!(contract), output);
  const maps = eventMapsOf(contract);
  if (output.isJson) for (const map of maps) for (const row of rowsOf(map)) output.json(row);
  else print(contract, maps, output);
  return EXIT.ok;
}

interface Row {
  readonly path: string;
  readonly event: string;
  /** Who sends the event. */
  readonly from: 'client' | 'server';
  readonly data: string;
  /** Absent for events of the server, which the contract does not describe as requests. */
  readonly answer?: string;
  readonly stream?: true;
  readonly deprecated?: true;
  readonly handlers: readonly string[];
}

function rowsOf({ channel, emits, listens }: EventMaps): Row[] {
  const row = (from: Row['from'], event: ChannelEvent): Row => ({
    path: channel.address,
    event: event.event,
    from,
    data: describePayloads(event.payloads),
    ...(from === 'client' && { answer: describePayloads(event.answers) }),
    ...(event.isStream && { stream: true }),
    ...(event.isDeprecated && { deprecated: true }),
    handlers: event.handlers,
  });
  return [...emits.map((event) => row('client', event)), ...listens.map((event) => row('server', event))];
}

function print({ info, asyncapi }: Contract, maps: readonly EventMaps[], output: Output): void {
  output.print(['bold', `${info.title} ${info.version}`], ['dim', `  AsyncAPI ${asyncapi}`]);
  if (maps.length === 0) output.print('no gateways');
  for (const map of maps) {
    output.print('');
    output.print(['bold', map.channel.address], ['dim', `  ${map.channel.title}`]);
    const rows = rowsOf(map);
    const cells = rows.map((row) => [
      row.from === 'client' ? '>' : '<',
      row.event,
      row.data,
      row.answer === undefined ? '' : `${row.stream === true ? 'stream of ' : ''}${row.answer}`,
      `${row.handlers.join(', ')}${row.deprecated === true ? ' (deprecated)' : ''}`,
    ]);
    for (const line of table([['', 'event', 'data', 'answer', 'handler'], ...cells]))
      output.print(`  ${line}`);
  }
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
}
