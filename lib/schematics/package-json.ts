import { readText, type Tree } from './devkit.js';

/** What `package.json` says, and how it is written. */
interface Manifest {
  readonly text: string;
  readonly content: Record<string, unknown>;
}

type Dependencies = Readonly<Record<string, string>>;

const FILE = 'package.json';
const KINDS = ['dependencies', 'devDependencies', 'peerDependencies', 'optionalDependencies'] as const;

/** The `package.json` of the project that a schematic runs in. */
export class PackageJson {
  private constructor(
    private readonly tree: Tree,
    private readonly manifest: Manifest,
  ) {}

  /** Returns `undefined` if the file does not exist or is no JSON object. */
  static read(tree: Tree): PackageJson | undefined {
    const text = readText(tree, FILE);
    try {
      const content: unknown = JSON.parse(text ?? '');
      if (typeof content !== 'object' || content === null) return undefined;
      return new PackageJson(tree, { text: text!, content: content as Record<string, unknown> });
    } catch {
      return undefined;
    }
  }

  has(name: string): boolean {
    return this.rangeOf(name) !== undefined;
  }

  /** Returns the major version of a dependency, by its range or else by the installed package. */
  majorOf(name: string): number | undefined {
    const ofRange = /^[\^~>=v\s]*(\d+)(?:\.|$)/.exec(this.rangeOf(name) ?? '')?.[1];
    return Number(ofRange ?? this.installedMajor(name)) || undefined;
  }

  /** Adds dependencies, in alphabetical order, and keeps the indentation and line ends of the file. */
  add(dependencies: Dependencies): void {
    const { text, content } = this.manifest;
    const all = { ...(content.dependencies as Dependencies | undefined), ...dependencies };
    const sorted = Object.fromEntries(Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1)));
    const indent = /^([\t ]+)"/m.exec(text)?.[1] ?? '  ';
    const json = JSON.stringify({ ...content, dependencies: sorted }, null, indent);
    const end = /\s*$/.exec(text)![0];
    this.tree.overwrite(FILE, (text.includes('\r\n') ? json.replaceAll('\n', '\r\n') : json) + end);
  }

  private rangeOf(name: string): string | undefined {
    return KINDS.map((kind) => (this.manifest.content[kind] as Dependencies | undefined)?.[name]).find(
      (range) => range !== undefined,
    );
  }

  private installedMajor(name: string): string | undefined {
    const text = readText(this.tree, `node_modules/${name}/package.json`);
    return text === undefined ? undefined : /"version":\s*"(\d+)\./.exec(text)?.[1];
  }
}
