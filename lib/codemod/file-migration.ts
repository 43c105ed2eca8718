import type { ts } from 'ts-morph';
import { SECTIONS, type Finding, type Section } from './guide.js';
import { importedNames, type ImportedName } from './imports.js';
import type { Source } from './source.js';
import type { Edit } from './text-edits.js';

/** What the codemod does with one file: its edits, what the edits need imported, and what it leaves. */
export class FileMigration {
  readonly edits: Edit[] = [];
  readonly findings: Finding[] = [];
  /** Names that edits use, by the module to import them from. */
  readonly needs = new Map<string, Set<string>>();
  readonly imported: readonly ImportedName[];
  /** Names that stay imported from where they are. */
  readonly kept = new Set<ImportedName>();
  /** What edits remove: a name that is used only there needs no import any more. */
  private readonly removed: Edit[] = [];

  constructor(readonly source: Source) {
    this.imported = importedNames(source);
  }

  /** Returns the local names of an export of a module. */
  namesOf(module: string, exported: string): ImportedName[] {
    return this.imported.filter((name) => name.module === module && name.exported === exported);
  }

  /** Returns the uses of an imported name in what edits leave of the file. */
  usesOf({ local }: ImportedName): ts.Identifier[] {
    return this.source.usesOf(local).filter((use) => !this.isRemoved(use));
  }

  /** Whether a node is in what edits remove. */
  isRemoved({ end }: ts.Node): boolean {
    return this.removed.some((range) => range.start < end && end <= range.end);
  }

  replace(start: number, end: number, text: string): void {
    this.edits.push({ start, end, text });
  }

  insert(position: number, text: string): void {
    this.replace(position, position, text);
  }

  /** Removes code, or puts other code in its place. Names in the removed code no longer count as used. */
  remove(start: number, end: number, text = ''): void {
    const edit = { start, end, text };
    this.edits.push(edit);
    this.removed.push(edit);
  }

  need(module: string, name: string): void {
    const names = this.needs.get(module) ?? new Set();
    this.needs.set(module, names.add(name));
  }

  /** Notes that the user has to look at a node. */
  leave(node: ts.Node, section: Section, reason: string): void {
    const line = this.source.lineOf(node.getStart(this.source.tree));
    this.findings.push({ file: this.source.path, line, reason, section: SECTIONS[section] });
  }
}

/** The text of an options object on one line, or on several where it would be long. */
export function objectText(
  source: Source,
  properties: readonly string[],
  margin: string,
  column: number,
): string {
  const line = `{ ${properties.join(', ')} }`;
  if (!line.includes('\n') && column + line.length <= 90) return line;
  const { lineEnd, indent } = source.style;
  const inside = margin + indent;
  return [
    '{',
    ...properties.map((property) => `${inside}${withMargin(property, inside)},`),
    `${margin}}`,
  ].join(lineEnd);
}

/** Puts a margin before each line of a text but the first. */
export function withMargin(text: string, margin: string): string {
  return text.replace(/\n(?=[^\r\n])/g, `\n${margin}`);
}
