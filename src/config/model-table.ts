/** Finds the route of a model name: exact names first, then patterns, the most specific first. */
import type { ModelRoute } from "./snapshot.ts";

interface Pattern {
  readonly prefix: string;
  readonly suffix: string;
  readonly route: ModelRoute;
}

function toPattern(route: ModelRoute): Pattern {
  const star = route.name.indexOf("*");
  return { prefix: route.name.slice(0, star), suffix: route.name.slice(star + 1), route };
}

/** More literal characters first, then the longer prefix; the name last, so that the order never depends on the file's. */
function bySpecificity(a: Pattern, b: Pattern): number {
  const literals = b.route.name.length - a.route.name.length;
  if (literals !== 0) return literals;
  const prefixes = b.prefix.length - a.prefix.length;
  if (prefixes !== 0) return prefixes;
  return a.route.name < b.route.name ? -1 : 1;
}

/** The routes of one snapshot. Names are unique; a name with a `*` is a pattern, where `*` stands for any text or none. */
export class ModelTable {
  readonly #exact = new Map<string, ModelRoute>();
  readonly #patterns: readonly Pattern[];

  constructor(routes: Iterable<ModelRoute>) {
    const patterns: Pattern[] = [];
    for (const route of routes) {
      if (route.name.includes("*")) patterns.push(toPattern(route));
      else this.#exact.set(route.name, route);
    }
    this.#patterns = patterns.sort(bySpecificity);
  }

  /**
   * The route of `name`, or `undefined`. O(1) for an exact name; else one comparison of prefix and suffix per pattern,
   * without regular expressions.
   */
  resolve(name: string): ModelRoute | undefined {
    const exact = this.#exact.get(name);
    if (exact !== undefined) return exact;
    for (const { prefix, suffix, route } of this.#patterns) {
      const longEnough = name.length >= prefix.length + suffix.length;
      if (longEnough && name.startsWith(prefix) && name.endsWith(suffix)) return route;
    }
    return undefined;
  }

  /** The exact names, in the config's order. */
  names(): string[] {
    return [...this.#exact.keys()];
  }

  /** The routes of these, in the same order. */
  exact(): ModelRoute[] {
    return [...this.#exact.values()];
  }

  /** Every route: the exact ones in the config's order, then the patterns in the order they are tried. */
  routes(): ModelRoute[] {
    return [...this.#exact.values(), ...this.#patterns.map((pattern) => pattern.route)];
  }
}
