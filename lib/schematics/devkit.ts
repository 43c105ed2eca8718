/**
 * The part of `@angular-devkit/schematics` that this package uses. `nest add` brings its own version of the devkit; these
 * members are the same in all of them, so the package needs no dependency on one.
 */

/** The files of the project, and the changes that the schematic makes. Paths begin at the project's folder. */
export interface Tree {
  readonly root: Directory;
  read(path: string): Uint8Array | null;
  exists(path: string): boolean;
  overwrite(path: string, content: string): void;
  getDir(path: string): Directory;
}

export interface Directory {
  readonly subdirs: readonly string[];
  readonly subfiles: readonly string[];
  dir(name: string): Directory;
}

export interface SchematicContext {
  readonly logger: { info(message: string): void; warn(message: string): void };
  addTask(task: { toConfiguration(): { name: string; options: unknown } }): unknown;
}

/** Changes the tree, or leaves it as it is. */
export type Rule = (tree: Tree, context: SchematicContext) => void;

/** Returns the text of a file; `undefined` if it does not exist. */
export function readText(tree: Tree, path: string): string | undefined {
  const bytes = tree.read(path);
  return bytes === null ? undefined : new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
}
