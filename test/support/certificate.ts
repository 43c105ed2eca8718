import { execFileSync } from 'node:child_process';

/** Returns a key and its self-signed certificate, which is valid for a day. */
export function selfSigned(): { key: string; cert: string } {
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const out = ['-keyout', '-', '-out', '-'];
  const args = ['req', '-x509', ...curve, '-subj', '/CN=localhost', '-days', '1', ...out];
  const both = execFileSync('openssl', args, { encoding: 'utf8', stdio: 'pipe' });
  const start = both.indexOf('-----BEGIN CERTIFICATE');
  return { key: both.slice(0, start), cert: both.slice(start) };
}
