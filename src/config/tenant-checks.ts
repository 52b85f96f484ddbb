/** What tenants mean for the rest of a config: whose a key is, which models there are. */
import { modelNameFault } from "./names.ts";
import { patternsOverlap } from "./name-pattern.ts";
import { didYouMean } from "./nearest-name.ts";
import { mapAt, textsOf } from "./written.ts";
import type { Report } from "./written.ts";

/** Checks all that concerns tenants and more than one key of `tree`. */
export function checkTenants(tree: unknown, report: Report): void {
  const tenants = Object.entries(mapAt(tree, "tenants"));
  if (tenants.length === 0 && mapAt(tree, "auth")["required"] === "true") {
    report(
      ["auth", "required"],
      "value",
      "asks clients for a key, but there are no `tenants` that one could belong to",
    );
  }
  const models = Object.keys(mapAt(tree, "models"));
  const seen = new Set<string>();
  for (const [name, tenant] of tenants) {
    for (const { index, text } of textsOf(mapAt(tenant)["keys"])) {
      const digest = text.toLowerCase();
      if (seen.has(digest)) report(["tenants", name, "keys", String(index)], "value", "this key is there twice");
      seen.add(digest);
    }
    // Without models there is one fault already, and it is not the tenants'.
    if (models.length > 0) checkTenantModels(name, tenant, models, report);
  }
}

function checkTenantModels(name: string, tenant: unknown, models: readonly string[], report: Report): void {
  for (const { index, text } of textsOf(mapAt(tenant)["models"])) {
    // What is no name at all the schema tells.
    if (modelNameFault(text) !== undefined || models.some((model) => patternsOverlap(text, model))) continue;
    report(
      ["tenants", name, "models", String(index)],
      "value",
      `matches none of \`models\`${didYouMean(text, models)}`,
    );
  }
  for (const limited of Object.keys(mapAt(tenant, "model_limits"))) {
    if (models.includes(limited)) continue;
    const message = `is not one of \`models\`, by its name there${didYouMean(limited, models)}`;
    report(["tenants", name, "model_limits", limited], "key", message);
  }
}
