/** `GET /v1/models`: what the config offers by name, as each API lists it. A pattern is not a model and is not listed. */
import type { ModelRoute } from "../config/snapshot.ts";
import type { Dialect } from "../dialects/dialect.ts";

/** No provider is asked, so nothing is known of when a model was made. */
const CREATED = "1970-01-01T00:00:00Z";

const ITEMS: Readonly<Record<Dialect["name"], (name: string, route: ModelRoute) => object>> = {
  openai: (id, { upstream }) => ({ id, object: "model", created: 0, owned_by: upstream.name }),
  anthropic: (id) => ({ type: "model", id, display_name: id, created_at: CREATED }),
  gemini: (name, { upstream }) => ({
    name: `models/${name}`,
    displayName: name,
    description: `Served by ${upstream.name}.`,
    supportedGenerationMethods: ["generateContent", "streamGenerateContent", "countTokens"],
  }),
};

const LISTS: Readonly<Record<Dialect["name"], (data: readonly object[], names: readonly string[]) => object>> = {
  openai: (data) => ({ object: "list", data }),
  anthropic: (data, names) => ({
    data,
    has_more: false,
    first_id: names[0] ?? null,
    last_id: names.at(-1) ?? null,
  }),
  gemini: (models) => ({ models }),
};

/** One model in the shape of `dialect`. @param name as the client knows it. */
export function modelObject(dialect: Dialect, name: string, route: ModelRoute): object {
  return ITEMS[dialect.name](name, route);
}

/** The list of all of them. @param routes models with a name of their own. */
export function modelList(dialect: Dialect, routes: readonly ModelRoute[]): object {
  const names = routes.map(({ name }) => name);
  return LISTS[dialect.name](
    routes.map((route) => ITEMS[dialect.name](route.name, route)),
    names,
  );
}
