/** From a CPU profile to what held a loop up: the stack in which most samples of a stretch of time were taken. */
import { monotonicMs } from "../core/monotonic-clock.ts";

/** One call of a stack. */
export interface StackFrame {
  /** `(anonymous)` where it has no name; `(garbage collection)`, `(native code)` where no JavaScript ran. */
  readonly function: string;
  /** Relative to the package, or `node:…`; for others the last two parts of their path. `native` for V8's own functions. */
  readonly file: string;
  /** Where the function begins, from 1; 0 where it has no source. */
  readonly line: number;
}

/** A profile as it was stopped. The profiler has a clock of its own, which at its end showed something between the two times. */
export interface StoppedProfile {
  /** As V8 writes it: https://chromedevtools.github.io/devtools-protocol/tot/Profiler/#type-Profile. */
  readonly json: string;
  /** When it was asked to stop, monotonic milliseconds. */
  readonly askedMs: number;
  /** When it was there. */
  readonly stoppedMs: number;
}

/** Asks a running profile for what it has. Rejects when its thread is gone. */
export async function stopProfile(profile: { stop(): Promise<string> }): Promise<StoppedProfile> {
  const askedMs = monotonicMs();
  return { json: await profile.stop(), askedMs, stoppedMs: monotonicMs() };
}

/** Ten seconds of 40 samples are tens of kilobytes; past this, reading it would hold up the supervisor. */
const MAX_PROFILE_CHARACTERS = 4 * 1024 * 1024;
/** Innermost frames; those further out say which event it was, and the phase on the board says so shorter. */
const MAX_FRAMES = 20;

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  readonly children?: readonly number[];
}

interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  readonly startTime: number;
  readonly endTime: number;
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/**
 * What held the loop up from `fromMs` to `toMs`, monotonic milliseconds: of its samples in that time, the stack that most of
 * them have in common, innermost call first. Each call on it is the one that its caller spent most in, so that a function that
 * spreads its time over many others is found as well. Native code without JavaScript is named where it was most of it, and so is
 * garbage collection, ahead of the stack that otherwise was.
 *
 * @returns `"idle"` when the loop spent most of that time waiting for events, `null` when nothing is known of it.
 */
export function blockingStack(
  profile: StoppedProfile,
  fromMs: number,
  toMs: number,
): readonly StackFrame[] | "idle" | null {
  if (profile.json.length > MAX_PROFILE_CHARACTERS) return null;
  const parsed = parseProfile(profile.json);
  if (parsed === null) return null;
  const { nodes, startTime, endTime, samples, timeDeltas } = parsed;
  const fromUs = endTime - (profile.stoppedMs - fromMs) * 1000;
  const toUs = endTime - (profile.askedMs - toMs) * 1000;
  const counts = new Map<number, number>();
  let taken = 0;
  let atUs = startTime;
  for (const [index, node] of samples.entries()) {
    atUs += timeDeltas[index] ?? 0;
    if (atUs < fromUs || atUs > toUs) continue;
    counts.set(node, (counts.get(node) ?? 0) + 1);
    taken++;
  }
  return taken === 0 ? null : mostOf(new Map(nodes.map((node) => [node.id, node])), nodes[0]!, counts, taken);
}

/** V8 names a regular expression by its pattern, and does not escape what is in it. @returns `null` where it can't be read. */
function parseProfile(json: string): CpuProfile | null {
  for (const text of [json, json.replaceAll(/\\(?!["\\/bfnrt]|u[0-9a-fA-F]{4})/g, "\\\\")]) {
    try {
      return JSON.parse(text) as CpuProfile;
    } catch {
      // The other way, or none.
    }
  }
  return null;
}

const COLLECTOR = "(garbage collector)";
/** V8's names for what runs while no JavaScript does, each a child of the root. */
const WITHOUT_JAVASCRIPT: Readonly<Record<string, string>> = {
  [COLLECTOR]: "(garbage collection)",
  "(program)": "(native code)",
};

function mostOf(
  nodes: ReadonlyMap<number, ProfileNode>,
  root: ProfileNode,
  counts: ReadonlyMap<number, number>,
  taken: number,
): readonly StackFrame[] | "idle" {
  const children = (node: ProfileNode): ProfileNode[] => (node.children ?? []).map((id) => nodes.get(id)!);
  const totals = new Map<number, number>();
  // As deep as the deepest sample, which V8 cuts at 255.
  const total = (node: ProfileNode): number => {
    let sum = totals.get(node.id);
    if (sum === undefined) {
      sum = children(node).reduce((all, child) => all + total(child), counts.get(node.id) ?? 0);
      totals.set(node.id, sum);
    }
    return sum;
  };
  const heaviest = (of: readonly ProfileNode[]): ProfileNode | undefined =>
    of.toSorted((one, other) => total(other) - total(one)).find((node) => total(node) > 0);

  const isIdle = ({ callFrame }: ProfileNode): boolean => callFrame.functionName === "(idle)";
  const idle = children(root)
    .filter(isIdle)
    .reduce((sum, node) => sum + total(node), 0);
  if (idle * 2 > taken) return "idle";
  const busy = children(root).filter((node) => !isIdle(node));
  const javascript = busy.filter(({ callFrame }) => WITHOUT_JAVASCRIPT[callFrame.functionName] === undefined);
  // A few samples of what is no JavaScript are in every stack's company and no cause.
  const main = busy.find((node) => total(node) * 2 > taken - idle) ?? heaviest(javascript) ?? heaviest(busy);
  const isCollection = main?.callFrame.functionName === COLLECTOR;
  const frames: StackFrame[] = [];
  let next = isCollection ? heaviest(javascript) : main;
  while (next !== undefined) {
    frames.unshift(frameOf(next));
    const inner = heaviest(children(next));
    next = inner !== undefined && total(inner) >= (counts.get(next.id) ?? 0) ? inner : undefined;
  }
  // V8 does not say who made the garbage; what ran in between most likely did.
  if (isCollection) frames.unshift(frameOf(main));
  return frames.slice(0, MAX_FRAMES);
}

function frameOf({ callFrame: { functionName, url, lineNumber } }: ProfileNode): StackFrame {
  return {
    function: WITHOUT_JAVASCRIPT[functionName] ?? (functionName === "" ? "(anonymous)" : functionName),
    file: fileName(url),
    line: lineNumber + 1,
  };
}

/** The package's folder: this file is in `src/supervisor`, or in `dist/supervisor`. */
const PACKAGE_URL = new URL("../../", import.meta.url).href;

function fileName(url: string): string {
  if (url === "") return "native";
  if (url.startsWith(PACKAGE_URL)) return url.slice(PACKAGE_URL.length);
  return url.startsWith("node:") ? url : url.split("/").slice(-2).join("/");
}
