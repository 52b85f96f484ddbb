/**
 * What becomes of each field of a `generateContent` request (https://ai.google.dev/api/generate-content). The rows that are
 * not `carried` decide it, the others tell of it (a test holds them to the code). A field that has no row is lost by name.
 */
import { carried, harmless, isEmpty, lost, refused } from "../field-row.ts";
import type { FieldRow } from "../field-row.ts";
import { isRecord } from "../json-pick.ts";

const PART = "contents[].parts[]";
const FUNCTION = "tools[].functionDeclarations[]";

const isFalse = (value: unknown): boolean => value === false;
const isWord =
  (...words: readonly string[]) =>
  (value: unknown): boolean =>
    typeof value === "string" && words.includes(value.toUpperCase());

/** Settings that only ask Google's own filters to let more through: elsewhere there are no such filters. */
const onlyRelaxes = (value: unknown): boolean =>
  Array.isArray(value) && value.every((one: unknown) => isRecord(one) && isRelaxed(one["threshold"]));
const isRelaxed = isWord("BLOCK_NONE", "OFF", "HARM_BLOCK_THRESHOLD_UNSPECIFIED");

const GOOGLES_TOOL = "a tool that only Google's servers have";

/** All fields, in the order of Google's reference. */
export const GEMINI_FIELDS: readonly FieldRow[] = [
  harmless("model", "the path names it"),
  carried("contents", "snake_case, and one element where a list is meant, are read as Google reads them"),
  carried("contents[].role", "user, model; function and tool as user"),
  carried(`${PART}.text`),
  carried(`${PART}.thought`, "the model's thoughts; neighbouring ones become one"),
  carried(`${PART}.thoughtSignature`, "goes back to the family that made it"),
  carried(`${PART}.inlineData`, "pictures, sound, files; in either alphabet of base64. Video is refused"),
  carried(`${PART}.fileData`, "an address on the web; files in Google's own store and YouTube's videos are refused"),
  carried(`${PART}.functionCall`, "an id is made where it has none"),
  carried(`${PART}.functionResponse`, "matched by id, else by name and order; output and error as Google defines them"),
  carried(`${PART}.mediaResolution`, "low and high, of pictures, as OpenAI's detail"),
  refused(`${PART}.executableCode`, GOOGLES_TOOL),
  refused(`${PART}.codeExecutionResult`, GOOGLES_TOOL),
  refused(`${PART}.toolCall`, GOOGLES_TOOL),
  refused(`${PART}.toolResponse`, GOOGLES_TOOL),
  refused(`${PART}.audioTranscription`, "no other API has it"),
  lost(`${PART}.videoMetadata`, "no other API has video", isEmpty),
  lost(`${PART}.partMetadata`, "no other API has notes on parts", isEmpty),
  lost(`${PART}.mediaProcessing`, "no other API has it"),
  lost(`${PART}.speechMetadata`, "no other API has it"),
  carried("systemInstruction"),
  carried("tools"),
  carried(`${FUNCTION}.name`),
  carried(`${FUNCTION}.description`),
  carried(`${FUNCTION}.parameters`, "as JSON Schema"),
  carried(`${FUNCTION}.parametersJsonSchema`),
  lost(`${FUNCTION}.response`, "no other API is told what a function returns"),
  lost(`${FUNCTION}.responseJsonSchema`, "no other API is told what a function returns"),
  lost(`${FUNCTION}.behavior`, "no other API has calls that do not block", isWord("UNSPECIFIED", "BLOCKING")),
  refused("tools[].googleSearch", GOOGLES_TOOL),
  refused("tools[].googleSearchRetrieval", GOOGLES_TOOL),
  refused("tools[].googleMaps", GOOGLES_TOOL),
  refused("tools[].codeExecution", GOOGLES_TOOL),
  refused("tools[].urlContext", GOOGLES_TOOL),
  refused("tools[].fileSearch", GOOGLES_TOOL),
  refused("tools[].computerUse", GOOGLES_TOOL),
  refused("tools[].mcpServers", GOOGLES_TOOL),
  refused("tools[].retrieval", GOOGLES_TOOL),
  refused("tools[].enterpriseWebSearch", GOOGLES_TOOL),
  carried("toolConfig.functionCallingConfig.mode", "VALIDATED as strict functions"),
  carried("toolConfig.functionCallingConfig.allowedFunctionNames", "with VALIDATED: the others are not declared"),
  harmless("toolConfig.functionCallingConfig.streamFunctionCallArguments", "how an answer is cut into events"),
  lost("toolConfig.retrievalConfig", "is for Google's own tools"),
  harmless("toolConfig.includeServerSideToolInvocations", "is for Google's own tools, which are refused"),
  lost("safetySettings", "no other API has Google's filters", onlyRelaxes),
  carried("generationConfig.stopSequences"),
  carried("generationConfig.responseMimeType", "text/plain, application/json"),
  carried("generationConfig.responseSchema", "as JSON Schema; strict where it leaves nothing open"),
  carried("generationConfig.responseJsonSchema", "strict where it leaves nothing open"),
  refused("generationConfig.responseModalities", "only text is known elsewhere"),
  refused("generationConfig.candidateCount", "there is one answer"),
  carried("generationConfig.maxOutputTokens"),
  carried("generationConfig.temperature"),
  carried("generationConfig.topP"),
  carried("generationConfig.topK"),
  carried("generationConfig.seed"),
  carried("generationConfig.presencePenalty"),
  carried("generationConfig.frequencyPenalty"),
  carried("generationConfig.responseLogprobs"),
  carried("generationConfig.logprobs"),
  carried("generationConfig.thinkingConfig.thinkingBudget", "0: none; -1: not said"),
  carried("generationConfig.thinkingConfig.thinkingLevel", "as effort"),
  carried("generationConfig.thinkingConfig.includeThoughts"),
  carried("generationConfig.mediaResolution", "low and high, as OpenAI's detail of every picture"),
  lost("generationConfig.speechConfig", "no other API speaks here", isEmpty),
  lost("generationConfig.imageConfig", "no other API paints here", isEmpty),
  lost("generationConfig.audioTimestamp", "no other API has it", isFalse),
  lost("generationConfig.enableEnhancedCivicAnswers", "no other API has it", isFalse),
  lost("generationConfig.routingConfig", "chooses among Google's models"),
  lost("generationConfig.modelSelectionConfig", "chooses among Google's models"),
  refused("cachedContent", "is held by Google; without it the conversation has no beginning"),
  refused("continuationToken", "is held by Google; without it the answer has no beginning"),
  lost("labels", "no other API has Google's labels", isEmpty),
  lost("serviceTier", "no other API has Google's tiers", isWord("UNSPECIFIED", "STANDARD")),
  lost("modelArmorConfig", "no other API has Google's filters"),
  lost("store", "no other API keeps a log for Google's console", isFalse),
];
