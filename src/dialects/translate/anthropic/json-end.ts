/** Says when the pieces of one JSON object or array are whole, looking at each character once. */
export class JsonEnd {
  #depth = 0;
  #inString = false;
  #escaped = false;
  #begun = false;

  /** Whether the value's last bracket has come. */
  get isWhole(): boolean {
    return this.#begun && this.#depth === 0;
  }

  push(json: string): void {
    for (const character of json) {
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false;
        else if (character === "\\") this.#escaped = true;
        else if (character === '"') this.#inString = false;
      } else if (character === '"') this.#inString = true;
      else if (character === "{" || character === "[") {
        this.#depth++;
        this.#begun = true;
      } else if (character === "}" || character === "]") this.#depth--;
    }
  }
}
