/** What a model says in a case of the pairs, whatever API it is said in, and what was asked of it. */

/** A call of a tool. `pieces` are its arguments as they are streamed; joined they are JSON. */
export interface SceneCall {
  readonly id: string;
  readonly name: string;
  readonly pieces: readonly string[];
}

/** Why a model stops, in words of our own. */
export type Stop = "stop" | "length" | "tool_calls" | "filtered";

/** One answer. */
export interface Scene {
  /** The thoughts, piece by piece. */
  readonly thoughts?: readonly string[];
  readonly text: readonly string[];
  readonly calls?: readonly SceneCall[];
  readonly stop: Stop;
}

/** Of every scene; the cached tokens are part of the input, those of thoughts (none) of the output. */
export const USAGE = { input: 31, cached: 8, output: 17 } as const;

/** What an SDK tells its user of an answer. */
export interface Said {
  readonly text: string;
  readonly thoughts: string;
  readonly calls: readonly { readonly id: string; readonly name: string; readonly input: unknown }[];
  readonly stop: string;
  readonly usage: { readonly input: number; readonly output: number; readonly cached: number };
}

/** What an upstream was asked, read out of its own API by hand. */
export interface Heard {
  readonly stream: boolean;
  readonly model: string;
  readonly system: string;
  readonly texts: readonly string[];
  /** Media types, and base64 as it came. */
  readonly images: readonly (readonly [type: string, data: string])[];
  readonly tools: readonly string[];
  /** The properties of the schema that the answer has to keep to. */
  readonly schema: readonly string[] | undefined;
  readonly calls: readonly { readonly id: string | undefined; readonly name: string; readonly input: unknown }[];
  readonly results: readonly { readonly id: string | undefined; readonly text: string }[];
  /** Whether the model is asked to think. */
  readonly thinks: boolean;
}

/** A tool's arguments, and the form of a structured answer. */
export const SCHEMA = {
  type: "object" as const,
  properties: { city: { type: "string" as const } },
  required: ["city"],
  additionalProperties: false as const,
};
/** Names of the tools that may be called. */
export const TOOLS = ["weather", "time"] as const;
/** What every case's system prompt is. */
export const SYSTEM = "Be brief.";
