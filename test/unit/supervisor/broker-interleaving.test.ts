/** One gives a slot back while another begins to wait for it, in every order that their steps can have: nobody is left waiting. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Board } from "../../../src/board/board.ts";
import { takeSlot } from "../../../src/board/slots.ts";
import { TimerWheel } from "../../../src/core/timer-wheel.ts";
import { AdmissionDoor } from "../../../src/relay/admission-door.ts";
import { OwnSlot } from "../../../src/relay/admitted.ts";
import { BrokerLine } from "../../../src/supervisor/broker-line.ts";
import { Waiter } from "../../../src/supervisor/waiter.ts";
import { inSteps } from "../board/stepped-atomics.ts";
import { configWith } from "./broker-bed.ts";

const COLUMN = 0;
const UPSTREAM = configWith({ up: "max_concurrency: 1" }).upstreams.get("up")!;

/** A slot that is out, and one who is about to wait for it. */
class Meeting {
  granted = false;
  /** The loop has said that the slot is free. */
  #said = false;
  readonly #line: BrokerLine;
  readonly #slot: OwnSlot;
  readonly #waiter: Waiter;

  constructor() {
    const board = Board.create({ rows: 2, columns: 1 });
    const [row, loopRow] = [board.claimRow(1), board.claimRow(2)];
    const wheel = new TimerWheel({ tickMs: 10, slots: 8 });
    this.#line = new BrokerLine(UPSTREAM, { board, row, column: COLUMN, wheel });
    const desk = { wheel, say: () => {}, freed: () => void (this.#said = true) };
    const door = new AdmissionDoor(UPSTREAM, desk, board, COLUMN);
    this.#slot = new OwnSlot(takeSlot(board, loopRow, COLUMN, 1)!, door);
    const owner = { onGranted: () => void (this.granted = true), onRefused: () => {} };
    const request = { upstream: "up", tenant: "t", weight: 1, priority: "interactive", costTokens: 1 } as const;
    this.#waiter = new Waiter(1, request, owner, this.#line);
  }

  wait(): void {
    this.#line.wait(this.#waiter);
  }

  giveBack(): void {
    this.#slot.release();
  }

  /** What the loop has said comes last. */
  hear(): void {
    if (this.#said) this.#line.dispatch();
    this.#line.close();
  }
}

/** @returns how many steps `run` took. */
function meet(at: number, run: (meeting: Meeting) => void, other: (meeting: Meeting) => void): number {
  const meeting = new Meeting();
  let steps = 0;
  inSteps(
    () => run(meeting),
    (step) => {
      steps++;
      if (step === at) other(meeting);
    },
  );
  if (at >= steps) other(meeting);
  meeting.hear();
  assert.ok(meeting.granted, `left waiting: at step ${at}`);
  return steps;
}

test("a slot that is given back between any two steps of one who begins to wait is not missed", () => {
  let steps = 1;
  for (let at = 0; at <= steps; at++) {
    steps = meet(
      at,
      (meeting) => meeting.wait(),
      (meeting) => meeting.giveBack(),
    );
  }
  assert.ok(steps >= 4, `${steps}`);
});

test("one who begins to wait between any two steps of a slot's return gets it", () => {
  let steps = 1;
  for (let at = 0; at <= steps; at++) {
    steps = meet(
      at,
      (meeting) => meeting.giveBack(),
      (meeting) => meeting.wait(),
    );
  }
  assert.ok(steps >= 2, `${steps}`);
});
