import { readText, type Directory, type Tree } from './devkit.js';

/** The options that say where the application is. */
export interface Location {
  readonly sourceRoot?: string;
  readonly project?: string;
}

interface ProjectConfiguration {
  readonly sourceRoot?: string;
  readonly entryFile?: string;
}

interface NestCliConfiguration extends ProjectConfiguration {
  readonly projects?: Readonly<Record<string, ProjectConfiguration>>;
}

/** Where an application has its files. Paths begin at the folder of `package.json`. */
export interface Layout {
  readonly sourceRoot: string;
  /** The file that starts the application. It may not exist. */
  readonly main: string;
}

/** Finds `main.ts` by `nest-cli.json`. Returns the names of the projects if `project` is none of them. */
export function findLayout(tree: Tree, { sourceRoot, project }: Location): Layout | readonly string[] {
  const configuration = readConfiguration(tree);
  const projects = configuration.projects ?? {};
  if (project !== undefined && projects[project] === undefined) return Object.keys(projects);
  const root = normalize(
    (project === undefined ? sourceRoot : projects[project]!.sourceRoot) ?? configuration.sourceRoot ?? 'src',
  );
  const inProjects = Object.values(projects).find((one) => normalize(one.sourceRoot ?? '') === root);
  const entry = inProjects?.entryFile ?? configuration.entryFile ?? 'main';
  const candidates = ['ts', 'js', 'mts'].map((extension) => `${root}/${entry}.${extension}`);
  return { sourceRoot: root, main: candidates.find((path) => tree.exists(path)) ?? candidates[0]! };
}

/** Returns the paths of the code below a folder, without those of tests. */
export function sourceFiles(tree: Tree, folder: string): string[] {
  const visit = (directory: Directory, path: string): string[] => [
    ...directory.subfiles.map((name) => `${path}/${name}`),
    ...directory.subdirs
      .filter((name) => name !== 'node_modules' && name !== 'dist')
      .flatMap((name) => visit(directory.dir(name), `${path}/${name}`)),
  ];
  return visit(tree.getDir(folder), folder).filter(
    (path) => /\.[cm]?[jt]s$/.test(path) && !/[.-](spec|test)\.|\.d\.[cm]?ts$/.test(path),
  );
}

const LOCK_FILES = {
  'pnpm-lock.yaml': 'pnpm',
  'yarn.lock': 'yarn',
  'bun.lock': 'bun',
  'bun.lockb': 'bun',
};

/** Returns the package manager whose lock file the project has. Default: `npm`. */
export function packageManagerOf(tree: Tree): string {
  return Object.entries(LOCK_FILES).find(([file]) => tree.exists(file))?.[1] ?? 'npm';
}

function readConfiguration(tree: Tree): NestCliConfiguration {
  const file = ['nest-cli.json', '.nestcli.json', '.nest-cli.json'].find((name) => tree.exists(name));
  try {
    const text = file === undefined ? undefined : readText(tree, file);
    return (JSON.parse(text ?? '{}') ?? {}) as NestCliConfiguration;
  } catch {
    return {};
  }
}

function normalize(path: string): string {
  return path.replaceAll('\\', '/').replace(/^(\.?\/)+|\/+$/g, '');
}
