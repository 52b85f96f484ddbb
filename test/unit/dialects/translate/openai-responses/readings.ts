/** What tests read requests of the Responses API with. */
import assert from "node:assert/strict";
import type { CommonRequest } from "../../../../../src/dialects/translate/common.ts";
import { readRequest } from "../../../../../src/dialects/translate/openai-responses/read-request.ts";
import type { Loss } from "../../../../../src/dialects/translate/translation.ts";

/** The least that a request says. */
export const MINIMAL = { model: "m", input: "Hi" };

/** A request and what of it has no place. */
export function readWhole(body: unknown): { request: CommonRequest; losses: readonly Loss[] } {
  const found = readRequest(body, {});
  assert.ok(found.ok, JSON.stringify(found));
  return found;
}

/** Reads what must not lose anything. @param more than the least. */
export function read(more: object): CommonRequest {
  const { request, losses } = readWhole({ ...MINIMAL, ...more });
  assert.deepEqual(losses, []);
  return request;
}

/** What has no place. @param more than the least. */
export function lossesOf(more: object): readonly Loss[] {
  return readWhole({ ...MINIMAL, ...more }).losses;
}

/** The fault of a body that is no request, as its field and its message. */
export function faultOf(body: unknown): string {
  const found = readRequest(body, {});
  return found.ok ? "none" : `${found.fault.field} ${found.fault.message}`;
}
