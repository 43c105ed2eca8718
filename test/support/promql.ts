import { parser } from '@prometheus-io/lezer-promql';

/** The metrics and labels that an expression of PromQL names. */
export interface Query {
  readonly selectors: {
    metric: string;
    matchers: { label: string; value: string }[];
    /** The function around its range, such as `rate`; `undefined`: it has no range. */
    rangeFunction: string | undefined;
  }[];
  /** The labels in `by (…)`, `without (…)` and `on (…)`. */
  readonly groupings: string[];
}

/** The functions of a range that the dashboard and the alert rules use. */
const RANGE_FUNCTIONS = new Set(['avg_over_time', 'increase', 'rate']);

/**
 * Parses an expression with Prometheus' own grammar.
 *
 * @throws Error if it is malformed, or a function gets a range where it takes none, or none where it takes one
 */
export function parsePromQl(text: string): Query {
  const query: Query = { selectors: [], groupings: [] };
  const fail = (what: string, from: number): never => {
    throw new Error(`${what} at "${text.slice(from, from + 20)}" in ${text}`);
  };
  if (text.trim() === '') fail('nothing', 0);
  parser.parse(text).iterate({
    enter({ type, node, from, to }) {
      if (type.isError) fail('a mistake', from);
      const source = text.slice(from, to);
      const read = (child: typeof node | null): string =>
        child === null ? '' : text.slice(child.from, child.to);
      if (type.name === 'GroupingLabels')
        query.groupings.push(...node.getChildren('LabelName').map((label) => read(label)));
      if (type.name === 'FunctionCall') {
        const name = read(node.getChild('FunctionIdentifier'));
        const hasRange = node.getChild('FunctionCallBody')?.getChild('MatrixSelector') != null;
        if (hasRange !== RANGE_FUNCTIONS.has(name)) fail('a wrong argument', from);
      }
      if (type.name === 'MatrixSelector' && node.parent?.parent?.name !== 'FunctionCall')
        fail('a range', from);
      if (type.name !== 'VectorSelector') return;
      const isRange = node.parent?.name === 'MatrixSelector';
      const call = isRange ? node.parent?.parent?.parent : undefined;
      const matchers = node.getChild('LabelMatchers')?.getChildren('UnquotedLabelMatcher') ?? [];
      query.selectors.push({
        metric: read(node.getChild('Identifier')) || source,
        rangeFunction: call == null ? undefined : read(call.getChild('FunctionIdentifier')),
        matchers: matchers.map((matcher) => {
          const value = JSON.parse(read(matcher.getChild('StringLiteral'))) as string;
          // a malformed regular expression, which throws
          if (read(matcher.getChild('MatchOp')).endsWith('~')) new RegExp(value);
          return { label: read(matcher.getChild('LabelName')), value };
        }),
      });
    },
  });
  return query;
}
