import { observe } from '../../server/diagnostics/channels.js';
import type { Audited, AuditRecord } from '../../server/diagnostics/audit.js';
import { fieldsOf, numberOf, recordsOf, textOf, type Fields } from './checked-values.js';
import type { Answers } from './peers.js';
import type { AuditPage, AuditView } from './views.js';

/** Entries that a node keeps, and that a page has. */
const MAX_ENTRIES = 100;
const MAX_DETAILS = 500;
const MAX_TEXT = 256;

/** The latest actions of operators on this node. */
export class AuditTrail {
  private readonly entries: AuditView[] = [];
  private readonly unsubscribe: () => void;

  /** @param node the name of this node */
  constructor(private readonly node: string) {
    this.unsubscribe = observe('audit', (record) =>
      // its node did not answer: the console records it, because it may have been done
      this.add(record, record.details['answered'] === false ? 'failed' : 'done'),
    );
  }

  /** Adds an action that was not done. It is not published: nothing happened. */
  addAttempt(attempt: Audited, outcome: 'refused' | 'failed'): void {
    const { action, by, path, target, details = {} } = attempt;
    this.add({ action, by, at: Date.now(), path, target, details }, outcome);
  }

  /** The entries, the newest first. */
  get latest(): readonly AuditView[] {
    return [...this.entries].reverse();
  }

  stop(): void {
    this.unsubscribe();
  }

  private add({ action, by, at, path, target, details }: AuditRecord, outcome: AuditView['outcome']): void {
    this.entries.push({
      at,
      node: this.node,
      ...(by !== undefined && { by: by.slice(0, MAX_TEXT) }),
      action,
      ...(path !== undefined && { path: path.slice(0, MAX_TEXT) }),
      ...(target !== undefined && { target: target.slice(0, MAX_TEXT) }),
      details: JSON.stringify(details).slice(0, MAX_DETAILS),
      outcome,
    });
    if (this.entries.length > MAX_ENTRIES) this.entries.shift();
  }
}

/** Merges the entries of all nodes. */
export function mergeTrails({ values, nodes }: Answers): AuditPage {
  const entries = [...values.values()]
    .flatMap((value) => recordsOf(fieldsOf(value)['entries'], MAX_ENTRIES))
    .map(toEntry)
    .sort((a, b) => b.at - a.at)
    .slice(0, MAX_ENTRIES);
  return { entries, nodes };
}

function toEntry(entry: Fields): AuditView {
  const { by, path, target, outcome } = entry;
  return {
    at: numberOf(entry['at']),
    node: textOf(entry['node'], MAX_TEXT),
    ...(typeof by === 'string' && { by: textOf(by, MAX_TEXT) }),
    action: textOf(entry['action'], MAX_TEXT),
    ...(typeof path === 'string' && { path: textOf(path, MAX_TEXT) }),
    ...(typeof target === 'string' && { target: textOf(target, MAX_TEXT) }),
    details: textOf(entry['details'], MAX_DETAILS),
    outcome: outcome === 'refused' || outcome === 'failed' ? outcome : 'done',
  };
}
