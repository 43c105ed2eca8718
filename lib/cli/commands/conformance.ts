import { clientChecks } from '../../conformance/client/checks.js';
import { ClientProgram } from '../../conformance/client/client-program.js';
import { byRule, runChecks, type Result } from '../../conformance/run.js';
import { serverChecks } from '../../conformance/server/checks.js';
import { fetchCapabilities, Server } from '../../conformance/server/server.js';
import type { Check } from '../../conformance/suite.js';
import { usageError } from '../arguments.js';
import type { Command, Context } from '../command.js';
import { EXIT } from '../exit-codes.js';
import type { Output } from '../output.js';

/** Checks a server or a client against PROTOCOL.md. */
export const command: Command = {
  usage: '',
  text: [
    'Checks a server or a client against the rules of PROTOCOL.md, and prints a table of the rules.',
    'docs/conformance.md says what a server must offer for it, and which lines a client must read and write.',
    'Checks of features that the server does not have are skipped, and shown as skipped.',
  ].join('\n'),
  options: {
    Conformance: {
      url: { value: '<url>', text: 'the server to check: ws://host:port/path' },
      client: {
        value: '<command>',
        text: "the client to check, a command of the shell: 'python3 client.py'",
      },
      only: {
        value: '<text>',
        text: 'only checks whose name contains this text, or that cite this rule: 5.3',
      },
    },
  },
  examples: [
    'conformance --url ws://127.0.0.1:3000/protocol',
    "conformance --client 'python3 client.py' --only 19.3",
  ],
  run,
};

async function run({ args, output, signal }: Context): Promise<number> {
  const url = args.text('url');
  const client = args.text('client');
  if ((url === undefined) === (client === undefined)) throw usageError('one of --url and --client is needed');
  const all =
    url === undefined ? clientChecks(() => new ClientProgram(client!, [], true)) : await checksOf(url);
  const only = args.text('only') ?? '';
  const checks = all.filter(({ name, rules }) => name.includes(only) || rules.includes(only));
  if (checks.length === 0) throw usageError(`--only: no check has ${JSON.stringify(only)}`);
  let ended = 0;
  const results = await runChecks(
    checks,
    (result) => {
      output.progress(`${++ended} of ${checks.length}`);
      print(result, output);
    },
    signal,
  );
  return report(results, output);
}

async function checksOf(given: string): Promise<Check[]> {
  const url = given.replace(/\/$/, '');
  if (!URL.canParse(url) || new URL(url).protocol !== 'ws:')
    throw usageError(
      `--url is ${JSON.stringify(given)}: it takes a URL such as ws://127.0.0.1:3000/protocol`,
    );
  return serverChecks(new Server(() => url, await fetchCapabilities(url)));
}

function print({ check: { name, rules }, outcome, reason }: Result, output: Output): void {
  if (output.isJson) return output.json({ type: 'check', name, rules, outcome, reason });
  if (outcome === 'failed')
    output.print(['red', 'failed '], `${name} (${rules.join(', ')}): ${reason ?? ''}`);
}

function report(results: readonly Result[], output: Output): number {
  const count = (outcome: Result['outcome']): number =>
    results.filter((result) => result.outcome === outcome).length;
  const [passed, failed, skipped] = [count('passed'), count('failed'), count('skipped')];
  const rules = byRule(results);
  if (output.isJson) {
    for (const rule of rules) output.json({ type: 'rule', ...rule });
    output.json({ type: 'summary', passed, failed, skipped });
  } else {
    output.print('rule    passed  failed  skipped');
    for (const rule of rules)
      output.print(
        rule.rule.padEnd(6),
        String(rule.passed).padStart(8),
        [rule.failed > 0 ? 'red' : 'dim', String(rule.failed).padStart(8)],
        String(rule.skipped).padStart(9),
      );
    output.print(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  }
  return failed === 0 ? EXIT.ok : EXIT.failed;
}
