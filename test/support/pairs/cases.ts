/** The one table of what every SDK is asked over every upstream, and what both ends have to hear. */
import type { Question } from "./client.ts";
import type { Heard, Scene } from "./scene.ts";

/** One row: what is asked, what the model says to it. */
export interface PairCase {
  readonly name: string;
  readonly question: Question;
  readonly scene: Scene;
  /** What the upstream has to have been asked, besides the system prompt and the user's text. */
  readonly heard?: Partial<Heard>;
  /** What a second question gives back as the results of the calls. */
  readonly results?: readonly string[];
}

/** Its base64 holds both letters in which the two alphabets differ, and padding. */
const PICTURE = Buffer.concat([
  Buffer.from("89504e470d0a1a0a0000000d49484452", "hex"),
  Buffer.from([0xfb, 0xff, 0xbf, 0xfe]),
]);
const STANDARD = PICTURE.toString("base64");
/** As Google's own SDKs write it. */
const URL_SAFE = STANDARD.replaceAll("+", "-").replaceAll("/", "_");

const weather = { id: "call_w1", name: "weather", pieces: ['{"ci', 'ty":"Z', 'ürich"}'] } as const;
const time = { id: "call_t1", name: "time", pieces: ['{"city":"Łódź"}'] } as const;
const tools = ["weather", "time"];

/** See the file's comment. */
export const CASES: readonly PairCase[] = [
  {
    name: "text",
    question: { text: "Say hello" },
    scene: { text: ["Hel", "lo, ", "\u{1F30D}!\n", '"quoted" \\ \u2028'], stop: "stop" },
  },
  { name: "an answer that is too long", question: { text: "Go on" }, scene: { text: ["and so"], stop: "length" } },
  { name: "an answer that is cut for its content", question: { text: "No" }, scene: { text: ["I"], stop: "filtered" } },
  {
    name: "one tool, its arguments in pieces",
    question: { text: "Weather?", tools: true },
    scene: { text: ["Let me see."], calls: [weather], stop: "tool_calls" },
    heard: { tools },
  },
  {
    name: "two tools at once, and their results",
    question: { text: "Weather and time?", tools: true },
    scene: { text: [], calls: [weather, time], stop: "tool_calls" },
    heard: { tools },
    results: ["rain", "noon"],
  },
  {
    name: "one tool twice, and its results",
    question: { text: "Weather in both?", tools: true },
    scene: {
      text: ["Both."],
      calls: [weather, { ...weather, id: "call_w2", pieces: ['{"city":"Bern"}'] }],
      stop: "tool_calls",
    },
    heard: { tools },
    results: ["rain", "sun"],
  },
  {
    name: "a picture",
    question: { text: "What is it?", image: { mediaType: "image/png", data: STANDARD } },
    scene: { text: ["A picture."], stop: "stop" },
    heard: { images: [["image/png", STANDARD]] },
  },
  {
    name: "a picture in URL-safe base64",
    question: { text: "What is it?", image: { mediaType: "image/png", data: URL_SAFE } },
    scene: { text: ["A picture."], stop: "stop" },
    heard: { images: [["image/png", STANDARD]] },
  },
  {
    name: "a structured answer",
    question: { text: "Where?", schema: true },
    scene: { text: ['{"ci', 'ty":', '"Bern"}'], stop: "stop" },
    heard: { schema: ["city"] },
  },
  {
    name: "thoughts",
    question: { text: "Think", thinks: true },
    scene: { thoughts: ["Hm, ", "well."], text: ["Done", "."], stop: "stop" },
    heard: { thinks: true },
  },
  {
    name: "thoughts before a tool, and its result",
    question: { text: "Think", thinks: true, tools: true },
    scene: { thoughts: ["I need it."], text: [], calls: [weather], stop: "tool_calls" },
    heard: { thinks: true, tools },
    results: ["rain"],
  },
];
