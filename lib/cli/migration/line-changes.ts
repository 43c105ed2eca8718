/** A line that goes, or that comes. */
interface LineChange {
  readonly sign: '-' | '+';
  /** Counted from 1: in the old file for a line that goes, in the new one for a line that comes. */
  readonly line: number;
  readonly text: string;
}

/** Returns the lines in which two texts differ: a longest common subsequence of lines stays. */
export function lineChanges(before: string, after: string): LineChange[] {
  const [old, fresh] = [before.split(/\r?\n/), after.split(/\r?\n/)];
  let start = 0;
  while (start < Math.min(old.length, fresh.length) && old[start] === fresh[start]) start++;
  let end = 0;
  while (end < Math.min(old.length, fresh.length) - start && old.at(-1 - end) === fresh.at(-1 - end)) end++;
  const [gone, come] = [old.slice(start, old.length - end), fresh.slice(start, fresh.length - end)];
  const common = commonLengths(gone, come);
  const changes: LineChange[] = [];
  let [i, j] = [0, 0];
  while (i < gone.length || j < come.length) {
    if (i < gone.length && gone[i] === come[j]) [i, j] = [i + 1, j + 1];
    else if (i < gone.length && (j === come.length || common[i + 1]![j]! >= common[i]![j + 1]!)) {
      changes.push({ sign: '-', line: start + i + 1, text: gone[i]! });
      i++;
    } else {
      changes.push({ sign: '+', line: start + j + 1, text: come[j]! });
      j++;
    }
  }
  return changes;
}

/** The length of the longest common subsequence of the rest of both lists, from each pair of positions. */
function commonLengths(a: readonly string[], b: readonly string[]): number[][] {
  const table = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      table[i]![j] =
        a[i] === b[j] ? table[i + 1]![j + 1]! + 1 : Math.max(table[i + 1]![j]!, table[i]![j + 1]!);
  return table;
}
