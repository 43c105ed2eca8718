import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BARE_CLIENT } from '../clients.js';

/** `bare_client.py` with one fault, and the check that finds it. */
export interface ClientMutant {
  fault: string;
  check: RegExp;
  /** The text to replace, and its replacement. */
  from: string;
  to: string;
}

const PAUSE = 'random.random() * min(2, 0.05 * 2**self.failures)';

export const CLIENT_MUTANTS: readonly ClientMutant[] = [
  { fault: 'makes no pause', check: /waits longer after each failed attempt/, from: PAUSE, to: '0' },
  ...[1011, 1013].map((code) => ({
    fault: `makes no longer pause after ${code}`,
    check: new RegExp(`reconnects after a longer pause after ${code}`),
    from: 'LATER = {1011, 1013}',
    to: `LATER = {1011, 1013} - {${code}}`,
  })),
  ...[408, 425, 429].map((status) => ({
    fault: `does not reconnect after ${status}`,
    check: new RegExp(`refused with ${status}: `),
    from: '(408, 425, 429)',
    to: `[status for status in (408, 425, 429) if status != ${status}]`,
  })),
  {
    fault: 'does not reconnect after 500',
    check: /refused with 500: /,
    from: 'refused.status >= 500',
    to: 'refused.status > 500',
  },
  {
    fault: 'reconnects after 403',
    check: /refused with 403: /,
    from: '(408, 425, 429)',
    to: '(403, 408, 425, 429)',
  },
  ...[3000, 3999, 4000, 4999].map((code) => ({
    fault: `reconnects after ${code}`,
    check: new RegExp(`closed with ${code}: `),
    from: 'code == FRESH_TOKEN',
    to: `code in (FRESH_TOKEN, ${code})`,
  })),
  {
    fault: 'renews when its credentials have expired',
    check: /sends fresh credentials before the present ones expire/,
    from: 'random.uniform(0.75, 0.85)',
    to: '1.5',
  },
  {
    fault: 'renews where no guard looks at $auth',
    check: /sends no \$auth to a server without the feature/,
    from: 'self.may_renew = "auth" in session.get("features", [])',
    to: 'self.may_renew = True',
  },
  {
    fault: 'sends messages after its close frame',
    check: /sends nothing after its own close frame/,
    from: '        if self.is_closing:\n            return\n',
    to: '',
  },
  {
    fault: 'reports $ events that it does not know',
    check: /ignores unknown fields and \$ events/,
    from: 'elif not event.startswith("$") and event not in RESERVED:',
    to: 'elif event not in RESERVED:',
  },
  {
    fault: 'reports events with reserved names',
    check: /ignores events with reserved names/,
    from: 'elif not event.startswith("$") and event not in RESERVED:',
    to: 'elif not event.startswith("$"):',
  },
  {
    fault: 'takes any value of more for true',
    check: /ends a stream at a message whose "more" is not true/,
    from: 'frame.get("more") is True',
    to: 'bool(frame.get("more"))',
  },
  {
    fault: 'pads the base64url of its credentials',
    check: /connects, and offers its credentials/,
    from: '.decode().rstrip("=")',
    to: '.decode() + "="',
  },
  {
    fault: 'forgets the offset of messages',
    check: /sends its session and the last offset/,
    from: '            self.offset = frame["offset"]',
    to: '            self.offset = self.offset or frame["offset"]',
  },
  {
    fault: 'keeps its session after a goodbye',
    check: /drops its session when it disconnects/,
    from: 'self.session = self.offset = self.due = None',
    to: 'self.due = None',
  },
  {
    fault: 'does not answer pings',
    check: /answers pings with their payload/,
    from: 'self.send(PONG, payload)',
    to: 'pass',
  },
  {
    fault: 'ignores Retry-After',
    check: /waits for Retry-After/,
    from: 'at_least=float(refused.retry_after or 0)',
    to: 'at_least=0.0',
  },
  {
    fault: 'says that it is connected before $session',
    check: /refused after the upgrade and before \$session/,
    from: 'if self.connection.protocol != "envelope.v1":',
    to: 'if True:',
  },
];

/** Writes the mutant into a folder, and returns its path. */
export function writeMutant(folder: string, name: string, { from, to }: ClientMutant): string {
  const text = readFileSync(BARE_CLIENT, 'utf8');
  if (text.split(from).length !== 2) throw new Error(`bare_client.py must contain ${from} exactly once`);
  const path = join(folder, `${name}.py`);
  writeFileSync(path, text.replace(from, to));
  return path;
}
