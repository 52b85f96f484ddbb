/** The parts of the config that say who may ask: authentication and tenants. */
import { limits } from "./limits-schema.ts";
import { LONGEST_MODEL_NAME, modelNameFault, nameFault } from "./names.ts";
import { key, list, optional, record, section, value } from "./setting.ts";
import { boolean, choice, integer, text } from "./values.ts";

const keyHash = value<string>({
  type: "key hash",
  range: "`sha256:` and 64 hex digits",
  expected: "write `sha256:` and the 64 hex digits of the key's SHA-256",
  read: (written) => {
    const digest = /^sha256:([0-9A-Fa-f]{64})$/.exec(written)?.[1];
    return digest === undefined
      ? {
          fault:
            "write `sha256:` and the 64 hex digits of the key's SHA-256, as `printf %s KEY | sha256sum` gives them",
        }
      : { value: digest.toLowerCase() };
  },
});

const limitsByModel = record({
  nameLabel: "MODEL",
  nameFault: modelNameFault,
  item: limits,
  max: 1000,
  expected: "write a map with at least one of `models`",
});

const tenant = section({
  keys: key(
    "keyHashes",
    optional(
      list({ item: keyHash, max: 10_000, expected: "write a list of at least one `sha256:…`, or leave `keys` out" }),
    ),
    "SHA-256 of keys that belong to the tenant, besides those made by `headwaiter keys create`.",
  ),
  weight: key(
    "weight",
    integer({ default: "1", min: "1", max: "1000" }),
    "Its share of an upstream's queue, against the weights of the others that wait.",
  ),
  priority: key(
    "priority",
    choice(["interactive", "batch"], "interactive"),
    "In a queue, `batch` waits until nobody `interactive` does.",
  ),
  models: key(
    "models",
    optional(
      list({
        item: text({ max: LONGEST_MODEL_NAME, what: "a model name or pattern", fault: modelNameFault }),
        max: 1000,
        expected: "write a list of at least one model or pattern, or leave `models` out for all",
      }),
    ),
    "What its clients may ask for: names, or patterns with one `*`. Left out: everything in `models`.",
  ),
  on_disconnect: key(
    "onDisconnect",
    choice(["cancel", "finish"], "cancel"),
    "When a client leaves: `cancel` ends the upstream's work and bills what passed; `finish` reads on and bills the whole.",
  ),
  limits: key("limits", optional(limits), "For the tenant as a whole."),
  key_limits: key("keyLimits", optional(limits), "For each of the tenant's keys by itself."),
  model_limits: key(
    "modelLimits",
    optional(limitsByModel),
    "For the tenant's use of one of `models`, by its name there.",
  ),
});

/** Who is asked for a key. */
export const auth = section({
  required: key(
    "required",
    optional(boolean()),
    "Whether clients need a key. Left out: `true` where there are `tenants`, else `false`. `false`: every client is tenant " +
      "`anonymous`, whatever key it sends; a tenant of that name says what it may.",
  ),
});

/** Who is billed and limited. */
export const tenants = optional(
  record({
    nameLabel: "TENANT",
    nameFault: (name) => nameFault("a tenant", name),
    item: tenant,
    max: 10_000,
    expected: "write a map with at least one tenant, or leave `tenants` out",
  }),
);
