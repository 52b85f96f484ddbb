/**
 * Identifiers of tool calls. Gemini's are optional, in calls and in results; everybody else's are not, and tie one to the
 * other. Where they are missing they are made, the same ones each time the conversation is sent.
 */
import { createHash } from "node:crypto";

const HASH_LENGTH = 12;

/** @param index of the call. @param seed what tells it from others with that index. @returns such as `call_0_1f3a…`. */
export function madeCallId(index: number, seed: string): string {
  return `call_${index}_${createHash("sha256").update(seed).digest("hex").slice(0, HASH_LENGTH)}`;
}

interface OpenCall {
  readonly id: string;
  readonly name: string;
}

/** The calls of one conversation, in order, and which of them have their result. */
export class CallIds {
  #calls = 0;
  readonly #open: OpenCall[] = [];

  /** @param given the caller's own. @param json the arguments. @returns the call's id. */
  call(given: string | undefined, name: string, json: string): string {
    const index = this.#calls++;
    const id = given === undefined || given === "" ? madeCallId(index, `${name} ${json}`) : given;
    this.#open.push({ id, name });
    return id;
  }

  /**
   * @param given the caller's own id of a result. @param name of the function that it comes from.
   * @returns the call that it belongs to: the one with its id, else the first of that name that has no result yet;
   * `undefined` where there is none.
   */
  result(given: string | undefined, name: string | undefined): OpenCall | undefined {
    const byId = given === undefined || given === "" ? -1 : this.#open.findIndex(({ id }) => id === given);
    const found = byId !== -1 ? byId : this.#open.findIndex((call) => call.name === name);
    return found === -1 ? undefined : this.#open.splice(found, 1)[0];
  }
}
