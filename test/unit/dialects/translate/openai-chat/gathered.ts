/** What a stream of the common form says in the end. */
import assert from "node:assert/strict";
import type {
  AssistantPart,
  CommonEvent,
  CommonUsage,
  TokenLogprob,
} from "../../../../../src/dialects/translate/common.ts";

/** See {@link gather}. */
export interface Gathered {
  readonly text: string;
  readonly thoughts: string;
  readonly refusal: string;
  readonly images: number;
  readonly calls: readonly { readonly id: string; readonly name: string; readonly arguments: string }[];
  readonly stopReason: string | undefined;
  readonly usage: Partial<CommonUsage> | undefined;
  readonly logprobs: readonly TokenLogprob[];
  readonly isComplete: boolean;
  readonly error: string | undefined;
}

const joined = (parts: readonly { kind: string; text?: string }[], kind: string): string =>
  parts.map((part) => (part.kind === kind ? (part.text ?? "") : "")).join("");

/** Adds up the events, having checked that they come in a legal order. */
export function gather(events: readonly CommonEvent[]): Gathered {
  const of = <Kind extends CommonEvent["kind"]>(kind: Kind): Extract<CommonEvent, { kind: Kind }>[] =>
    events.filter((event): event is Extract<CommonEvent, { kind: Kind }> => event.kind === kind);
  const order = events.map(({ kind }) => kind);
  const last = order.at(-1);
  if (last === "end") {
    assert.equal(order[0], "start");
    assert.equal(of("start").length, 1);
    assert.equal(of("end").length, 1);
    assert.equal(of("finish").length, 1);
    const after = order.slice(order.indexOf("finish") + 1, -1);
    assert.ok(
      after.every((kind) => kind === "usage"),
      order.join(),
    );
  }
  assert.equal(of("error").length, last === "error" ? 1 : 0);
  const calls = of("tool_call").map(({ index, id, name }, i) => {
    assert.equal(index, i);
    const pieces = of("tool_arguments").filter((piece) => piece.index === index);
    return { id, name, arguments: pieces.map(({ json }) => json).join("") };
  });
  const usages = of("usage").map(({ usage }) => usage);
  return {
    text: joined(events, "text"),
    thoughts: joined(events, "reasoning"),
    refusal: joined(events, "refusal"),
    images: of("image").length,
    calls,
    stopReason: of("finish")[0]?.stopReason,
    usage: usages.length === 0 ? undefined : Object.assign({}, ...usages),
    logprobs: of("text").flatMap(({ logprobs }) => logprobs ?? []),
    isComplete: last === "end",
    error: of("error")[0]?.message,
  };
}

/** The same of the parts of a whole answer. */
export function gatherParts(
  parts: readonly AssistantPart[],
): Pick<Gathered, "text" | "thoughts" | "refusal" | "images" | "calls"> {
  return {
    text: joined(parts, "text"),
    thoughts: joined(parts, "reasoning"),
    refusal: joined(parts, "refusal"),
    images: parts.filter(({ kind }) => kind === "image").length,
    calls: parts.flatMap((part) =>
      part.kind === "tool_call" ? [{ id: part.id, name: part.name, arguments: part.arguments }] : [],
    ),
  };
}
