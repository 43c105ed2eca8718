// A certificate for the server with TLS.
import { execFileSync } from 'node:child_process';

/** Returns a key and its self-signed certificate, which is valid for a day. */
export function selfSigned() {
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const args = [
    'req',
    '-x509',
    ...curve,
    '-subj',
    '/CN=localhost',
    '-days',
    '1',
    '-keyout',
    '-',
    '-out',
    '-',
  ];
  const both = execFileSync('openssl', args, { encoding: 'utf8', stdio: 'pipe' });
  const start = both.indexOf('-----BEGIN CERTIFICATE');
  return { key: both.slice(0, start), cert: both.slice(start) };
}
