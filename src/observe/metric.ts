/**
 * Counters, gauges and histograms in Prometheus' text format (https://prometheus.io/docs/instrumenting/exposition_formats/).
 *
 * Own code because a histogram is fed with every token event: here that is a search through a dozen numbers and one
 * addition, without the label hashing that the common client library does for each observation.
 */

/** Anything that `/metrics` shows. */
export interface Metric {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly labels: readonly string[];
  /** What it shows now. */
  snapshot(): MetricSnapshot;
}

/** What a metric showed at a moment: plain data, which crosses threads by structured clone. */
export type MetricSnapshot = CountSnapshot | HistogramSnapshot;

/** See {@link MetricSnapshot}. */
export interface CountSnapshot {
  readonly name: string;
  readonly type: "counter" | "gauge";
  readonly help: string;
  /** Labels as the page shows them (`{a="x",b="y"}`, or nothing) → value; in the order of first appearance. */
  readonly series: ReadonlyMap<string, number>;
}

/** See {@link MetricSnapshot}. */
export interface HistogramSnapshot {
  readonly name: string;
  readonly type: "histogram";
  readonly help: string;
  /** Upper bounds, rising. */
  readonly bounds: readonly number[];
  /** Observations up to each bound and above the one before; last, those above all. */
  readonly counts: readonly number[];
  readonly sum: number;
}

function escapeLabel(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}

function labelText(names: readonly string[], values: readonly string[]): string {
  if (names.length === 0) return "";
  return `{${names.map((name, i) => `${name}="${escapeLabel(values[i] ?? "")}"`).join(",")}}`;
}

interface Leaf {
  /** Its labels as the page shows them. */
  readonly text: string;
  value: number;
}

/** All at one depth are branches, or all are leaves. */
type Branch = Map<string, Branch | Leaf>;

/** A count for each combination of labels. As a counter it only rises; as a gauge it is moved up and down. */
export class Counter implements Metric {
  readonly name: string;
  readonly type: "counter" | "gauge";
  readonly help: string;
  readonly labels: readonly string[];
  /** A level of maps per label: label values are strings that live long, so each step is one look-up and makes nothing. */
  readonly #root: Branch = new Map();
  readonly #leaves: Leaf[] = [];

  constructor(type: "counter" | "gauge", name: string, help: string, labels: readonly string[] = []) {
    this.type = type;
    this.name = name;
    this.help = help;
    this.labels = labels;
  }

  /** @param labels values in the order of the names; never client input. @param by negative for gauges alone. */
  add(by: number, ...labels: string[]): void {
    this.#leaf(labels).value += by;
  }

  /** The present count; 0 for labels never seen. */
  value(...labels: string[]): number {
    const text = labelText(this.labels, labels);
    return this.#leaves.find((leaf) => leaf.text === text)?.value ?? 0;
  }

  snapshot(): CountSnapshot {
    const { name, type, help } = this;
    return { name, type, help, series: new Map(this.#leaves.map(({ text, value }) => [text, value])) };
  }

  #leaf(labels: readonly string[]): Leaf {
    let branch = this.#root;
    const last = labels.length - 1;
    for (let i = 0; i < last; i++) {
      let next = branch.get(labels[i]!) as Branch | undefined;
      if (next === undefined) branch.set(labels[i]!, (next = new Map()));
      branch = next;
    }
    const name = labels[last] ?? "";
    let leaf = branch.get(name) as Leaf | undefined;
    if (leaf === undefined) {
      leaf = { text: labelText(this.labels, labels), value: 0 };
      branch.set(name, leaf);
      this.#leaves.push(leaf);
    }
    return leaf;
  }
}

/** A gauge that is read when somebody asks. Readings with the same labels are added up. */
export class Reading implements Metric {
  readonly name: string;
  readonly type = "gauge";
  readonly help: string;
  readonly labels: readonly string[];
  readonly #read: () => Iterable<readonly [value: number, ...labels: string[]]>;

  constructor(
    name: string,
    help: string,
    labels: readonly string[],
    read: () => Iterable<readonly [value: number, ...labels: string[]]>,
  ) {
    this.name = name;
    this.help = help;
    this.labels = labels;
    this.#read = read;
  }

  snapshot(): CountSnapshot {
    // Two paths of one host are two endpoints of one name; a page with a sample twice is refused whole.
    const series = new Map<string, number>();
    for (const [value, ...labels] of this.#read()) {
      const text = labelText(this.labels, labels);
      series.set(text, (series.get(text) ?? 0) + value);
    }
    const { name, type, help } = this;
    return { name, type, help, series };
  }
}

/** A distribution over fixed bounds. */
export class Histogram implements Metric {
  readonly name: string;
  readonly type = "histogram";
  readonly help: string;
  readonly labels: readonly string[] = [];
  readonly #bounds: Float64Array;
  readonly #counts: Float64Array;
  #sum = 0;

  /** @param bounds upper bounds, rising, in the metric's unit; one for everything above is added. */
  constructor(name: string, help: string, bounds: readonly number[]) {
    this.name = name;
    this.help = help;
    this.#bounds = Float64Array.from(bounds);
    this.#counts = new Float64Array(bounds.length + 1);
  }

  /** Adds one observation. About 10 ns. */
  observe(value: number): void {
    const bounds = this.#bounds;
    let i = 0;
    while (i < bounds.length && value > bounds[i]!) i++;
    this.#counts[i]!++;
    this.#sum += value;
  }

  snapshot(): HistogramSnapshot {
    const { name, type, help } = this;
    return { name, type, help, bounds: [...this.#bounds], counts: [...this.#counts], sum: this.#sum };
  }
}

/** All of them as one page. */
export function exposition(metrics: Iterable<MetricSnapshot>): string {
  let text = "";
  for (const metric of metrics) {
    text += `# HELP ${metric.name} ${metric.help}\n# TYPE ${metric.name} ${metric.type}\n`;
    text += metric.type === "histogram" ? bucketLines(metric) : countLines(metric);
  }
  return text;
}

function countLines({ name, series }: CountSnapshot): string {
  let text = "";
  for (const [labels, value] of series) text += `${name}${labels} ${value}\n`;
  return text;
}

function bucketLines({ name, bounds, counts, sum }: HistogramSnapshot): string {
  let text = "";
  let total = 0;
  for (const [i, count] of counts.entries()) {
    total += count;
    text += `${name}_bucket{le="${bounds[i] ?? "+Inf"}"} ${total}\n`;
  }
  return `${text}${name}_sum ${sum}\n${name}_count ${total}\n`;
}
