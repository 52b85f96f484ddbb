/** Which models somebody may use. */
import { matchesPattern, patternsOverlap } from "../config/name-pattern.ts";

/** Names and patterns; O(1) for a name, one comparison a pattern. */
export class ModelFilter {
  readonly #names: ReadonlySet<string>;
  readonly #patterns: readonly string[];

  constructor(models: readonly string[]) {
    this.#names = new Set(models);
    this.#patterns = models.filter((model) => model.includes("*"));
  }

  /** @param model as the client asks for it. */
  allows(model: string): boolean {
    return this.#names.has(model) || this.#patterns.some((pattern) => matchesPattern(pattern, model));
  }

  /** @param pattern a model's name, or a pattern. @returns whether some name that it stands for is allowed. O(names). */
  allowsSome(pattern: string): boolean {
    return [...this.#names].some((name) => patternsOverlap(name, pattern));
  }
}
