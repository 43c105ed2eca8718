import type { Logger } from '@nestjs/common';
import type { Audited, AuditRecord } from '../../server/diagnostics/audit.js';
import { publishAudit } from '../../server/diagnostics/channels.js';
import { printable } from '../../server/util/printable.js';

/** Logs what an operator did, and publishes it on the diagnostics channel `audit`. */
export function logAudit(logger: Logger, done: Audited): void {
  logger.log(printable(describe(publishAudit(done))));
}

function describe({ action, by = 'nobody named', path, target, details }: AuditRecord): string {
  const parts = Object.entries(details)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
  const what = [action, target, path && `on ${path}`].filter((part) => part !== undefined && part !== '');
  return `Audit: ${what.join(' ')} by ${by}${parts.length === 0 ? '' : ` (${parts.join(', ')})`}`;
}
