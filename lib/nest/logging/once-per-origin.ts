/**
 * Returns a function that reports each origin once. Clients choose the origins: `report` returns whether the log had
 * room for the line, and an origin that was not logged is reported again.
 */
export function oncePerOrigin(
  report: (explanation: string) => boolean,
): (origin: string, explanation: string) => void {
  const reported = new Set<string>();
  return (origin, explanation) => {
    if (reported.size >= MAX_REPORTED_ORIGINS) reported.clear();
    if (!reported.has(origin) && report(explanation) && origin.length <= MAX_ORIGIN_LENGTH)
      reported.add(origin);
  };
}

const MAX_REPORTED_ORIGINS = 1_000;
/** The maximum length of an origin of a browser. Longer ones are not remembered, and so reported each time. */
const MAX_ORIGIN_LENGTH = 300;
