/** Log probabilities of tokens, as chat answers and their streams have them. */
import { at, elements } from "../../json-access.ts";
import type { TokenLogprob } from "../common.ts";

type Alternative = TokenLogprob["top"][number];

/** @param logprobs of a choice. @returns `undefined` where there are none. */
export function readLogprobs(logprobs: unknown): readonly TokenLogprob[] | undefined {
  const content = elements(at(logprobs, "content"));
  if (content.length === 0) return undefined;
  const tokens = content.flatMap((entry) => {
    const token = readAlternative(entry);
    if (token === undefined) return [];
    return [{ ...token, top: elements(at(entry, "top_logprobs")).flatMap((one) => readAlternative(one) ?? []) }];
  });
  return tokens.length === 0 ? undefined : tokens;
}

function readAlternative(entry: unknown): Alternative | undefined {
  const token = at(entry, "token");
  const logprob = at(entry, "logprob");
  if (typeof token !== "string" || typeof logprob !== "number") return undefined;
  const bytes = elements(at(entry, "bytes")).filter((byte) => typeof byte === "number");
  return { token, logprob, ...(bytes.length === 0 ? {} : { bytes }) };
}

/** @returns the API's `logprobs` of a choice. */
export function writeLogprobs(tokens: readonly TokenLogprob[] | undefined): object | null {
  if (tokens === undefined) return null;
  const content = tokens.map(({ top, ...token }) => ({
    ...writeAlternative(token),
    top_logprobs: top.map(writeAlternative),
  }));
  return { content, refusal: null };
}

function writeAlternative({ token, logprob, bytes }: Alternative): object {
  return { token, logprob, bytes: bytes ?? null };
}
