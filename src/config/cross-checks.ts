/**
 * What one key means for another: references between sections, listeners in each other's way, providers that need a key.
 *
 * These look at the values as written and not at the parsed config, so that they are told together with all other faults.
 * Anything that is not there or of the wrong kind is passed over: the schema tells it.
 */
import { ModelTable } from "./model-table.ts";
import { checkMoneyLimits } from "./money-checks.ts";
import { didYouMean } from "./nearest-name.ts";
import { MAX_MODEL_PATTERNS } from "./schema.ts";
import type { UpstreamConfig } from "./snapshot.ts";
import { checkTenants } from "./tenant-checks.ts";
import { isMap, mapAt } from "./written.ts";
import type { Report } from "./written.ts";

const PROVIDER_HOSTS: ReadonlySet<string> = new Set([
  "api.openai.com",
  "api.anthropic.com",
  "generativelanguage.googleapis.com",
]);

/** Checks all that concerns more than one key of `tree`. */
export function crossCheck(tree: unknown, report: Report): void {
  checkListeners(tree, report);
  checkProviderKeys(tree, report);
  checkAdaptiveCaps(tree, report);
  checkModels(tree, report);
  checkTenants(tree, report);
  checkMoneyLimits(tree, report);
}

function checkListeners(tree: unknown, report: Report): void {
  const server = mapAt(tree, "server");
  const admin = mapAt(tree, "admin");
  const sameHost = (server["host"] ?? "127.0.0.1") === (admin["host"] ?? "127.0.0.1");
  const port = server["port"] ?? "8080";
  if (!sameHost || port !== (admin["port"] ?? "9090") || port === "0") return;
  const path = admin["port"] === undefined ? ["server", "port"] : ["admin", "port"];
  report(path, "value", "`server` and `admin` cannot listen on the same port");
}

function checkProviderKeys(tree: unknown, report: Report): void {
  for (const [name, upstream] of Object.entries(mapAt(tree, "upstreams"))) {
    if (!isMap(upstream) || upstream["api_key"] !== undefined || !Array.isArray(upstream["endpoints"])) continue;
    upstream["endpoints"].forEach((endpoint: unknown, index) => {
      const url = mapAt(endpoint)["url"];
      const host = typeof url === "string" ? URL.parse(url)?.hostname.replace(/\.$/, "") : undefined;
      if (host === undefined || !PROVIDER_HOSTS.has(host)) return;
      const path = ["upstreams", name, "endpoints", String(index), "url"];
      report(path, "value", `${host} needs a key; set \`api_key\` on this upstream`);
    });
  }
}

function checkAdaptiveCaps(tree: unknown, report: Report): void {
  for (const name of Object.keys(mapAt(tree, "upstreams"))) {
    const path = ["upstreams", name, "max_concurrency", "adaptive"];
    const { min, max } = mapAt(tree, ...path);
    if (Number(min) > Number(max)) report([...path, "min"], "value", "`min` is greater than `max`");
  }
}

function checkModels(tree: unknown, report: Report): void {
  const models = Object.entries(mapAt(tree, "models"));
  const upstreams = mapAt(tree, "upstreams");
  for (const [name, model] of models) {
    const wanted = mapAt(model)["upstream"];
    if (typeof wanted !== "string" || wanted === "" || Object.hasOwn(upstreams, wanted)) continue;
    const hint = didYouMean(wanted, Object.keys(upstreams));
    report(["models", name, "upstream"], "value", `no upstream has this name${hint}`);
  }
  const patterns = models.filter(([name]) => name.includes("*"));
  if (patterns.length > MAX_MODEL_PATTERNS) report(["models"], "key", `has more than ${MAX_MODEL_PATTERNS} patterns`);
  checkDefaultModel(tree, models, report);
}

function checkDefaultModel(tree: unknown, models: readonly (readonly [string, unknown])[], report: Report): void {
  const wanted = mapAt(tree)["default_model"];
  if (typeof wanted !== "string" || wanted === "" || models.length === 0) return;
  const nowhere = {} as UpstreamConfig;
  const table = new ModelTable(
    models.map(([name]) => ({ name, upstream: nowhere, model: undefined, price: undefined })),
  );
  if (table.resolve(wanted) !== undefined) return;
  const hint = didYouMean(wanted, table.names());
  report(["default_model"], "value", `matches none of \`models\`${hint}`);
}
