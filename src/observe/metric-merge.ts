/** The metrics of several loops as those of one. */
import type { CountSnapshot, HistogramSnapshot, MetricSnapshot } from "./metric.ts";

/**
 * Adds up what has the same name and labels: counters, gauges, and histograms bucket by bucket. Metrics, and the series of
 * each, are in the order of their first appearance.
 * @throws {TypeError} when two of one name are not of one kind: all loops run the same code.
 */
export function mergeMetrics(pages: Iterable<readonly MetricSnapshot[]>): readonly MetricSnapshot[] {
  const merged = new Map<string, MetricSnapshot>();
  for (const page of pages) {
    for (const metric of page) {
      const known = merged.get(metric.name);
      merged.set(metric.name, known === undefined ? metric : sum(known, metric));
    }
  }
  return [...merged.values()];
}

/** What stays of a loop that has ended: its counters and histograms. Gauges keep their place on the page alone. */
export function withoutGauges(page: readonly MetricSnapshot[]): readonly MetricSnapshot[] {
  return page.map((metric) => (metric.type === "gauge" ? atRest(metric) : metric));
}

/** The same series, before anything was counted; of gauges none. */
export function beforeAll(page: readonly MetricSnapshot[]): readonly MetricSnapshot[] {
  return page.map(atRest);
}

function atRest(metric: MetricSnapshot): MetricSnapshot {
  if (metric.type === "histogram") return { ...metric, counts: metric.counts.map(() => 0), sum: 0 };
  const known = metric.type === "gauge" ? [] : [...metric.series.keys()];
  return { ...metric, series: new Map(known.map((labels) => [labels, 0])) };
}

function sum(a: MetricSnapshot, b: MetricSnapshot): MetricSnapshot {
  if (a.type === "histogram" && b.type === "histogram") return sumOfHistograms(a, b);
  if (a.type === "histogram" || b.type === "histogram" || a.type !== b.type) {
    throw new TypeError(`${a.name} is a ${a.type} and a ${b.type}`);
  }
  return sumOfCounts(a, b);
}

function sumOfHistograms(a: HistogramSnapshot, b: HistogramSnapshot): HistogramSnapshot {
  if (a.counts.length !== b.counts.length) throw new TypeError(`${a.name} has other bounds in another loop`);
  return { ...a, counts: a.counts.map((count, i) => count + b.counts[i]!), sum: a.sum + b.sum };
}

function sumOfCounts(a: CountSnapshot, b: CountSnapshot): CountSnapshot {
  const series = new Map(a.series);
  for (const [labels, value] of b.series) series.set(labels, (series.get(labels) ?? 0) + value);
  return { ...a, series };
}
