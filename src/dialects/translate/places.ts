/** Where the parts and tools of a request stand in it as its caller wrote it, so that a loss can be named there. */

/** One request's. Text has no place: it is never lost. */
export class Places {
  readonly #paths = new WeakMap<object, string>();

  /** @param path of the caller's, such as `messages[2].content[0]`. @returns `part`. */
  put<Part extends object>(part: Part, path: string): Part {
    if (!("kind" in part && part.kind === "text")) this.#paths.set(part, path);
    return part;
  }

  /** `copy` stands where `part` does. @returns `copy`. */
  move<Part extends object>(part: object, copy: Part): Part {
    const path = this.#paths.get(part);
    return path === undefined ? copy : this.put(copy, path);
  }

  /** `undefined` for what is not known. */
  of(part: unknown): string | undefined {
    return typeof part === "object" && part !== null ? this.#paths.get(part) : undefined;
  }
}
