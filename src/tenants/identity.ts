/** Who a request comes from, and what that allows. */
import type { TenantConfig } from "../config/snapshot.ts";
import { GatewayError } from "../core/errors.ts";
import { ModelFilter } from "./model-filter.ts";

/** A tenant and, where one was asked for, its key. One object for all requests of a key, until the config changes. */
export class Identity {
  readonly tenant: TenantConfig;
  /** For limits, logs and metrics; no secret. `undefined`: no key was asked for. */
  readonly keyId: string | undefined;
  /** Wall clock, milliseconds since 1970; `Infinity`: never. */
  readonly expiresAtMs: number;
  readonly #filters: readonly ModelFilter[];

  constructor(
    tenant: TenantConfig,
    key?: { readonly id: string; readonly expiresAtMs?: number | undefined } & Limited,
  ) {
    this.tenant = tenant;
    this.keyId = key?.id;
    this.expiresAtMs = key?.expiresAtMs ?? Infinity;
    this.#filters = [tenant.models, key?.models].flatMap((models) =>
      models === undefined ? [] : [new ModelFilter(models)],
    );
  }

  /** Whether both tenant and key may use `model`, as the client asks for it. */
  allows(model: string): boolean {
    return this.#filters.every((filter) => filter.allows(model));
  }

  /** Whether they may use some of the models that a route's name stands for, which may be a pattern. */
  allowsSome(route: string): boolean {
    return this.#filters.every((filter) => filter.allowsSome(route));
  }

  /** @returns `model_not_allowed`, or `null`. */
  refusalOf(model: string): GatewayError | null {
    return this.allows(model) ? null : new GatewayError("model_not_allowed", { param: "model" });
  }
}

interface Limited {
  readonly models?: readonly string[] | undefined;
}
