/** The reference page of the metrics and of the outcomes they count, made from the code that counts. */
import { OUTCOMES } from "../../core/outcome.ts";
import { Metrics } from "../../observe/metrics.ts";
import { ProcessMetrics } from "../../observe/process-metrics.ts";
import { markdownTable } from "./markdown-table.ts";

const INTRODUCTION = `# Metrics

\`GET /metrics\` on the admin listener, in Prometheus' text format. No label's value comes from a client: \`model\` is the name or pattern
of the config that matched. What each event loop counts is added up; when one dies, what it counted stays.`;

const OUTCOMES_INTRODUCTION = `## Outcomes

How a request ended: the label \`outcome\`, and \`outcome\` and \`endedBy\` in the access log.`;

/** `docs/reference/metrics.md`. */
export function renderMetricsReference(): string {
  const metrics = new Metrics({ endpoints: () => [], openSockets: () => 0 });
  const rows = [...metrics.all(), ...new ProcessMetrics().all()].map(({ name, type, labels, help }) => [
    `\`${name}\``,
    type,
    labels.map((label) => `\`${label}\``).join(", "),
    help,
  ]);
  const outcomes = Object.entries(OUTCOMES).map(([outcome, endedBy]) => [`\`${outcome}\``, endedBy]);
  return [
    INTRODUCTION,
    markdownTable(["metric", "type", "labels", "meaning"], rows),
    OUTCOMES_INTRODUCTION,
    `${markdownTable(["outcome", "ended by"], outcomes)}\n`,
  ].join("\n\n");
}
