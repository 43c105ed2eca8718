import {
  checkLimits,
  resolveAdapterLimits,
  type LimitChanges,
  type Limits,
  type PathLimits,
} from '../options/limits.js';
import type { PathOptions } from '../options/options.js';

/** The limits that an operator has set while the application runs. They are lost when it ends. */
export class RuntimeLimits {
  private readonly ofAdapter: { limits: Limits } = { limits: {} };
  private readonly ofPaths = new Map<string, { limits: PathLimits }>();
  /** The limits for all paths together as they are now; `Infinity`: no limit. The object stays the same. */
  readonly shared: ReturnType<typeof resolveAdapterLimits>;

  constructor(private readonly configured: Limits | undefined) {
    this.shared = resolveAdapterLimits(configured);
  }

  /**
   * Returns the options of one path with those of the operator between them, by precedence. The objects stay the same when the
   * operator changes a limit.
   *
   * @param path the name of the path; `undefined`: no path in particular
   */
  layers(
    path: string | undefined,
    ofGateways: readonly PathOptions[],
    ofAdapter: PathOptions,
  ): PathOptions[] {
    const ownOfPath = path === undefined ? [] : [this.of(path)];
    return [...ownOfPath, ...ofGateways, this.ofAdapter, ofAdapter];
  }

  /**
   * Changes limits. `undefined` restores what the options say.
   *
   * @throws TypeError if a limit is unknown; Error if its value is invalid, or if it is not one of a path
   */
  set(changes: LimitChanges, path: string | undefined): void {
    checkLimits({ limits: changes as Limits }, 'EnvelopeOperations.setLimits', path !== undefined);
    const target = path === undefined ? this.ofAdapter : this.of(path);
    target.limits = given({ ...target.limits, ...changes });
    Object.assign(this.shared, resolveAdapterLimits({ ...this.configured, ...this.ofAdapter.limits }));
  }

  private of(path: string): { limits: PathLimits } {
    const known = this.ofPaths.get(path);
    if (known !== undefined) return known;
    const created = { limits: {} };
    this.ofPaths.set(path, created);
    return created;
  }
}

/** Returns the limits that have a value. */
function given(limits: LimitChanges): Limits {
  return Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined));
}

/** Returns limits as an operator writes them: a limit that is off is `false`. */
export function writtenLimits<Names extends string>(
  limits: Readonly<Record<Names, number>>,
): Record<Names, number | false> {
  const entries = Object.entries<number>(limits).map(([name, value]) => [
    name,
    value === Infinity ? false : value,
  ]);
  return Object.fromEntries(entries) as Record<Names, number | false>;
}
