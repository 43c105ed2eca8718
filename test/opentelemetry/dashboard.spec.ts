import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { parse } from 'yaml';
import { EnvelopeServer } from '../../lib/index.js';
import { startApp } from '../support/app.js';
import { parsePromQl } from '../support/promql.js';
import { RawClient } from '../support/raw-client.js';
import { useTelemetry, type Scrape } from './fixture.js';

const FOLDER = join(process.cwd(), 'docs/observability');

interface Panel {
  id: number;
  type: string;
  title: string;
  description?: string;
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: { expr: string; legendFormat: string }[];
}
interface Dashboard {
  panels: Panel[];
  templating: { list: { name: string; type: string; query: string | { query: string } }[] };
}
interface Rule {
  alert: string;
  expr: string;
  for: string;
  labels: { severity: string };
  annotations: { summary: string; description: string };
}

const dashboard = JSON.parse(readFileSync(join(FOLDER, 'grafana-dashboard.json'), 'utf8')) as Dashboard;
const { groups } = parse(readFileSync(join(FOLDER, 'alerts.yaml'), 'utf8')) as {
  groups: { rules: Rule[] }[];
};
const rules = groups.flatMap(({ rules: all }) => all);

/** Returns an expression with values for Grafana's variables. */
const fill = (expr: string): string => expr.replaceAll('$__rate_interval', '5m');

const queries = dashboard.panels.flatMap(({ title, targets = [] }) =>
  targets.map((target) => ({ where: `panel ${title}`, ...target })),
);
const expressions = [
  ...queries.map(({ where, expr }) => ({ where, expr: fill(expr) })),
  ...rules.map(({ alert, expr }) => ({ where: `alert ${alert}`, expr })),
];

/** The labels that Prometheus adds to each target, and the buckets of histograms. */
const OF_PROMETHEUS = ['job', 'instance', 'le'];
const LABELS_IN_TEXT = /\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}/g;

@WebSocketGateway({ path: '/ws', maxPayload: 1_000 })
class Gateway {
  @WebSocketServer() readonly server!: EnvelopeServer;

  @SubscribeMessage('fails')
  fails(): never {
    throw new RangeError('on the server');
  }
}

describe('the dashboard and the alert rules', () => {
  const telemetry = useTelemetry();

  /** Makes everything happen once that the metrics count. */
  async function scrapeAll(): Promise<Scrape> {
    const app = await startApp({ providers: [Gateway] });
    const client = await app.connect('/ws');
    await client.ask('fails');
    await client.ask('unknown');
    const { server } = app.nest.get(Gateway);
    server.emit('news');
    const reader = await RawClient.connect(app.port, '/ws');
    reader.tcp.pause();
    const [socket] = [...server.sockets.values()].slice(-1);
    while (socket!.bufferedAmount === 0) {
      socket!.emit('bulk', 'x'.repeat(60_000));
      await new Promise(setImmediate);
    }
    socket!.volatile.emit('cursor');
    await expect(app.connect('/nowhere')).rejects.toThrow('404');
    client.send('x'.repeat(2_000));
    await client.ended();
    const scrape = await telemetry().scrape();
    reader.tcp.destroy();
    return scrape;
  }

  it('name only metrics and labels that are exported, and all metrics', async () => {
    const scrape = await scrapeAll();
    const labelsOf = (metric: string): Set<string> =>
      new Set(
        scrape.samples.filter(({ name }) => name === metric).flatMap(({ labels }) => Object.keys(labels)),
      );
    const named = new Set<string>();
    for (const { where, expr } of expressions) {
      const { selectors, groupings } = parsePromQl(expr);
      const known = new Set(OF_PROMETHEUS);
      for (const { metric, matchers } of selectors) {
        named.add(metric);
        const labels = labelsOf(metric);
        expect([where, metric, labels.size > 0]).toEqual([where, metric, true]);
        for (const label of labels) known.add(label);
        for (const { label } of matchers)
          expect([where, label, labels.has(label) || OF_PROMETHEUS.includes(label)]).toEqual([
            where,
            label,
            true,
          ]);
      }
      for (const label of groupings) expect([where, label, known.has(label)]).toEqual([where, label, true]);
    }
    const exported = new Set(
      scrape.samples.map(({ name }) => name).filter((name) => !/^(otel|target)_/.test(name)),
    );
    expect(exported.size).toBeGreaterThan(14);
    expect([...exported].filter((name) => !named.has(name))).toEqual([]);
  });

  it('compare labels with values that the package has', () => {
    const source = readdirSync('lib', { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => readFileSync(join('lib', file), 'utf8'))
      .join('\n');
    const values = expressions
      .flatMap(({ expr }) => parsePromQl(expr).selectors)
      .flatMap(({ matchers }) => matchers)
      .filter(({ label, value }) => !value.startsWith('$') && label !== 'http_response_status_code')
      .flatMap(({ value }) => value.split('|'));
    expect(new Set(values).size).toBeGreaterThan(6);
    for (const value of new Set(values))
      expect([value, source.includes(`'${value}'`) || new RegExp(`\\b${value}\\b`).test(source)]).toEqual([
        value,
        true,
      ]);
  });

  it('show in texts only labels that their query keeps', () => {
    const check = (where: string, expr: string, texts: string): void => {
      const { groupings } = parsePromQl(expr);
      for (const [, label] of texts.matchAll(LABELS_IN_TEXT))
        expect([where, groupings]).toEqual([where, expect.arrayContaining([label])]);
    };
    for (const { where, expr, legendFormat } of queries) check(where, fill(expr), legendFormat);
    for (const { alert, expr, annotations } of rules)
      check(alert, expr, Object.values(annotations).join('\n'));
  });

  it('rate counters only, and take quantiles of buckets only', () => {
    for (const { where, expr } of expressions) {
      for (const { metric, rangeFunction } of parsePromQl(expr).selectors) {
        const isRate = rangeFunction === 'rate' || rangeFunction === 'increase';
        expect([where, metric, isRate]).toEqual([where, metric, /_(?:total|count|sum|bucket)$/.test(metric)]);
      }
      expect([where, expr.includes('histogram_quantile')]).toEqual([where, /_bucket\b/.test(expr)]);
    }
  });
});

describe('docs/observability/grafana-dashboard.json', () => {
  it('has unique panels that do not overlap, each with a description', () => {
    const panels = dashboard.panels.filter(({ type }) => type !== 'row');
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    for (const { title, description } of panels)
      expect([title, description]).toEqual([title, expect.stringMatching(/\.$/)]);
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, index) => `${x + (index % w)},${y + Math.floor(index / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(Math.max(...dashboard.panels.map(({ gridPos: { x, w } }) => x + w))).toBe(24);
  });

  it('declares the variables that it uses', () => {
    const declared = new Set(dashboard.templating.list.map(({ name }) => name));
    const used = [...JSON.stringify(dashboard.panels).matchAll(/\$\{?(\w+)/g)].map(([, name]) => name!);
    for (const name of used) expect(declared.has(name) || name === '__rate_interval').toBe(true);
    for (const { type, query } of dashboard.templating.list) {
      if (type !== 'query') continue;
      const [, selector] = /^label_values\((.+), \w+\)$/.exec((query as { query: string }).query)!;
      expect(parsePromQl(selector!).selectors[0]!.metric).toBe('envelope_connections_active');
    }
  });
});

describe('docs/observability/alerts.yaml', () => {
  it('has alerts with a time, a severity, a summary and what to do', () => {
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
    for (const { alert, for: time, labels, annotations } of rules) {
      expect(alert).toMatch(/^Envelope[A-Z]/);
      expect(time).toMatch(/^\d+m$/);
      expect(['page', 'ticket']).toContain(labels.severity);
      expect(annotations.summary).toBeTruthy();
      expect(annotations.description.length).toBeGreaterThan(40);
    }
  });

  it('wakes nobody for what clients do', () => {
    const ofClients = /envelope_messages_refused|status_code=~?"4|outcome="refused"/;
    expect(rules.filter(({ expr }) => ofClients.test(expr)).map(({ alert }) => alert)).toEqual([]);
  });
});

describe('a mistake in an expression', () => {
  it.each([
    'sum by (a (rate(x[5m]))',
    'rate(x)',
    'x[5m]',
    'sum(rate(x[5m]) > 1',
    'sum(x[5m])',
    'x{a="b"',
    'x{a>"b"}',
    'x{a=~"("}',
    'unknown(x)',
    'x y',
    '',
    'x offset y',
  ])('is found: %s', (text) => {
    expect(() => parsePromQl(text)).toThrow(/ in |Invalid regular expression/);
  });
});
