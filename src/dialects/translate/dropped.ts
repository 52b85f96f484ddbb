/** What a whole answer of an upstream has that no other API has a place for: told of in a header, since no caller asked for it. */

/** Answers are not trusted to name their fields: whatever else is called by where it stands alone. */
const NAME = /^\w{1,64}$/;

/** One answer's, each once. */
export class Dropped {
  readonly #paths = new Set<string>();

  /** @param name of what stands at `path`, as the upstream wrote it. */
  add(path: string, name: unknown): void {
    this.#paths.add(typeof name === "string" && NAME.test(name) ? `${path}.${name}` : path);
  }

  /** To be spread into a `CommonAnswer`. */
  field(): { readonly dropped?: readonly string[] } {
    return this.#paths.size === 0 ? {} : { dropped: [...this.#paths] };
  }
}
