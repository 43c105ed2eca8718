/*
 * A parser for the part of PromQL that the dashboard and the alert rules use. Prometheus itself has the whole language.
 */

export interface Matcher {
  readonly label: string;
  readonly operator: string;
  readonly value: string;
}

/** The metrics and labels that an expression names. */
export interface Query {
  readonly selectors: {
    readonly metric: string;
    readonly matchers: readonly Matcher[];
    readonly isRange: boolean;
  }[];
  /** The labels in `by (…)`, `without (…)` and `on (…)`. */
  readonly groupings: string[];
}

const TOKEN =
  /\s*(?:(?<string>"(?:[^"\\]|\\.)*")|(?<duration>\d+(?:ms|[smhdwy])(?![a-z]))|(?<number>(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)|(?<name>[a-zA-Z_:][\w:]*)|(?<symbol>=~|!~|!=|==|<=|>=|[-+*/%^(){}[\],<>=]))/y;

const AGGREGATIONS = new Set(['sum', 'min', 'max', 'avg', 'count', 'topk', 'bottomk']);
/** The functions with what their arguments are: an instant vector, a range vector, or a number. */
const FUNCTIONS: Record<string, readonly ('instant' | 'range' | 'scalar')[]> = {
  absent: ['instant'],
  avg_over_time: ['range'],
  histogram_quantile: ['scalar', 'instant'],
  increase: ['range'],
  rate: ['range'],
  vector: ['scalar'],
};
/** Binary operators, those that bind least first. */
const LEVELS: readonly (readonly string[])[] = [
  ['or'],
  ['and', 'unless'],
  ['==', '!=', '<', '>', '<=', '>='],
  ['+', '-'],
  ['*', '/', '%'],
];

type Kind = 'instant' | 'range' | 'scalar';

/**
 * Parses an expression.
 *
 * @throws Error with the place of the first mistake
 */
export function parsePromQl(text: string): Query {
  const parser = new Parser(text);
  const kind = parser.binary(0);
  parser.expectEnd();
  if (kind === 'range') throw new Error(`the result is a range vector: ${text}`);
  return parser.query;
}

class Parser {
  readonly query: Query = { selectors: [], groupings: [] };
  private readonly tokens: { kind: string; text: string }[] = [];
  private index = 0;

  constructor(private readonly text: string) {
    TOKEN.lastIndex = 0;
    while (text.slice(TOKEN.lastIndex).trim() !== '') {
      const at = TOKEN.lastIndex;
      const groups = TOKEN.exec(text)?.groups;
      if (groups === undefined) throw new Error(`no token at ${text.slice(at)}`);
      const [kind, token] = Object.entries(groups).find(([, value]) => value !== undefined)!;
      this.tokens.push({ kind, text: token! });
    }
  }

  binary(level: number): Kind {
    const operators = LEVELS[level];
    if (operators === undefined) return this.postfix();
    let left = this.binary(level + 1);
    while (operators.includes(this.peek)) {
      const operator = this.take();
      this.takeMatching();
      const right = this.binary(level + 1);
      const isSet = ['or', 'and', 'unless'].includes(operator);
      if (left === 'range' || right === 'range' || (isSet && (left === 'scalar' || right === 'scalar')))
        this.fail(`operands of ${operator}`);
      if (left === 'scalar') left = right;
    }
    return left;
  }

  expectEnd(): void {
    if (this.index < this.tokens.length) this.fail('the end');
  }

  /** `on (…)` and `ignoring (…)` after an operator. */
  private takeMatching(): void {
    if (this.peek !== 'on' && this.peek !== 'ignoring') return;
    this.take();
    this.labels();
  }

  private postfix(): Kind {
    const kind = this.primary();
    if (this.peek !== 'offset') return kind;
    this.take();
    if (this.next?.kind !== 'duration') this.fail('a duration');
    this.take();
    return kind;
  }

  private primary(): Kind {
    const token = this.next;
    if (token?.kind === 'number') {
      this.take();
      return 'scalar';
    }
    if (this.peek === '(') {
      this.take();
      const kind = this.binary(0);
      this.expect(')');
      return kind;
    }
    if (token?.kind !== 'name') return this.fail('an expression');
    const name = this.take();
    if (AGGREGATIONS.has(name)) return this.aggregation();
    if (this.peek === '(') return this.call(name);
    return this.selector(name);
  }

  private aggregation(): Kind {
    const isGrouped = (): boolean => this.peek === 'by' || this.peek === 'without';
    const group = (): void => {
      this.take();
      this.labels();
    };
    const isBefore = isGrouped();
    if (isBefore) group();
    this.expect('(');
    if (this.binary(0) !== 'instant') this.fail('an instant vector');
    this.expect(')');
    if (!isBefore && isGrouped()) group();
    return 'instant';
  }

  private call(name: string): Kind {
    const parameters = FUNCTIONS[name];
    if (parameters === undefined) return this.fail(`a known function, not ${name}`);
    this.expect('(');
    for (const [index, parameter] of parameters.entries()) {
      if (index > 0) this.expect(',');
      if (this.binary(0) !== parameter) this.fail(`${name} of a ${parameter}`);
    }
    this.expect(')');
    return 'instant';
  }

  private selector(metric: string): Kind {
    const matchers: Matcher[] = [];
    if (this.peek === '{') {
      this.take();
      while (this.peek !== '}') {
        if (matchers.length > 0) this.expect(',');
        const label = this.take('name');
        const operator = this.take('symbol');
        if (!['=', '!=', '=~', '!~'].includes(operator)) this.fail('an operator of labels');
        const value = JSON.parse(this.take('string')) as string;
        if (operator.endsWith('~')) new RegExp(value);
        matchers.push({ label, operator, value });
      }
      this.take();
    }
    const isRange = this.peek === '[';
    if (isRange) {
      this.take();
      this.take('duration');
      this.expect(']');
    }
    this.query.selectors.push({ metric, matchers, isRange });
    return isRange ? 'range' : 'instant';
  }

  private labels(): void {
    this.expect('(');
    while (this.peek !== ')') {
      this.query.groupings.push(this.take('name'));
      if (this.peek !== ')') this.expect(',');
    }
    this.take();
  }

  private get next(): { kind: string; text: string } | undefined {
    return this.tokens[this.index];
  }
  private get peek(): string {
    return this.next?.text ?? '';
  }

  private take(kind?: string): string {
    const token = this.next;
    if (token === undefined || (kind !== undefined && token.kind !== kind)) return this.fail(kind ?? 'more');
    this.index++;
    return token.text;
  }

  private expect(text: string): void {
    if (this.peek !== text) this.fail(text);
    this.index++;
  }

  private fail(expected: string): never {
    throw new Error(`expected ${expected} at "${this.peek}", token ${this.index} of ${this.text}`);
  }
}
