/** Log probabilities: Gemini has two lists of the same length where we have one. */
import { at, elements } from "../../json-access.ts";
import type { TokenLogprob } from "../common.ts";

interface Choice {
  readonly token: string;
  readonly logprob: number;
}

/** @param result `logprobsResult` as it came. @returns `undefined` where there is none. */
export function readLogprobs(result: unknown): readonly TokenLogprob[] | undefined {
  if (result === undefined) return undefined;
  const chosen = elements(at(result, "chosenCandidates")).map(readChoice);
  if (chosen.length === 0) return undefined;
  const top = elements(at(result, "topCandidates"));
  return chosen.map(({ token, logprob }, i) => {
    return { token, logprob, top: elements(at(top[i], "candidates")).map(readChoice) };
  });
}

function readChoice(candidate: unknown): Choice {
  const token = at(candidate, "token");
  const logprob = at(candidate, "logProbability");
  // Protocol buffers leave out what is zero, and a token that is certain has the logarithm 0.
  return { token: typeof token === "string" ? token : "", logprob: typeof logprob === "number" ? logprob : 0 };
}

/** @returns `logprobsResult`. A token's bytes have no place in it. */
export function writeLogprobs(logprobs: readonly TokenLogprob[]): Readonly<Record<string, unknown>> {
  return {
    chosenCandidates: logprobs.map(writeChoice),
    topCandidates: logprobs.map(({ top }) => ({ candidates: top.map(writeChoice) })),
  };
}

function writeChoice({ token, logprob }: Choice): Readonly<Record<string, unknown>> {
  return { token, logProbability: logprob };
}
