/** Watches the loops' beats from the main thread, and says what held a loop up that was blocked. */
import { monotonicMs } from "../core/monotonic-clock.ts";
import { BEAT_PERIOD_MS } from "../observe/loop-pulse.ts";
import { blockingStack } from "./blocking-stack.ts";
import type { StackFrame } from "./blocking-stack.ts";
import { setSamplingInterval, StandingProfile } from "./standing-profile.ts";
import type { RunningProfile } from "./standing-profile.ts";

/** As often as a loop beats, so that hardly a beat comes and goes unseen. */
const LOOK_PERIOD_MS = BEAT_PERIOD_MS;
const BLOCKED_AFTER_MS = 50;
/** A block that is not over by then is reported all the same: it may never be. */
const REPORT_BY_MS = 2000;
/** For the profile of a blocked loop: a long builtin gives it only when it ends. */
const PROFILE_TIMEOUT_MS = 1000;
/** How much a profile can grow to: some 400 samples. */
const RENEW_PROFILE_MS = 10_000;

/** A loop as the watchdog sees it. */
export interface WatchedLoop {
  readonly name: string;
  /** When it last beat, monotonic milliseconds; 0 before the first time. */
  lastBeatMs(): number;
  /** How long it was held up before that beat, milliseconds: see `src/observe/loop-pulse.ts`. */
  heldMs(): number;
  /** What it noted last that it was about to do; `null` where it notes nothing. */
  doing(): string | null;
  /** Begins a CPU profile of the loop's thread: `worker.startCpuProfile()`. May reject. */
  startCpuProfile(): Promise<RunningProfile>;
}

/** A block: one report each. */
export interface BlockReport {
  readonly loop: string;
  /** How long it could not turn, milliseconds; so far, when it is not over. Up to a beat's period too short. */
  readonly blockedMs: number;
  /** False after two seconds, when the loop may not come back. No second report follows. */
  readonly isOver: boolean;
  /** What it had noted when it was found blocked; `null` where it was found out only after it was over. */
  readonly doing: string | null;
  /** Innermost call first; `null` when the profiler saw nothing, so that `doing` is all that is known. */
  readonly stack: readonly StackFrame[] | null;
}

interface WatchdogOptions {
  /** For how long nothing may hold a loop up, milliseconds; 25 at least. @default 50 */
  readonly blockedAfterMs?: number;
  /** May not throw. */
  readonly onBlocked: (report: BlockReport) => void;
}

/** See the file's comment. Keeps the process alive no longer than it lives anyhow. */
export class Watchdog {
  readonly #blockedAfterMs: number;
  readonly #onBlocked: (report: BlockReport) => void;
  readonly #watches = new Map<WatchedLoop, Watch>();
  #timer: NodeJS.Timeout | undefined;
  #lookedMs = 0;

  constructor({ blockedAfterMs = BLOCKED_AFTER_MS, onBlocked }: WatchdogOptions) {
    this.#blockedAfterMs = blockedAfterMs;
    this.#onBlocked = onBlocked;
    setSamplingInterval();
  }

  /**
   * Watches `loop` from now on. Arming the profiler takes a fresh loop about 55 ms, once; that counts as no block.
   * @returns resolves when it is armed: a good moment to open the loop's listener.
   */
  watch(loop: WatchedLoop): Promise<void> {
    const watch = new Watch(loop, this.#blockedAfterMs, this.#onBlocked);
    this.#watches.set(loop, watch);
    if (this.#timer === undefined) {
      this.#lookedMs = monotonicMs();
      this.#timer = setInterval(() => this.#look(), LOOK_PERIOD_MS).unref();
    }
    return watch.arm();
  }

  /** Watches `loop` no more: it has ended, or is about to. A block of it that is not reported yet never is. */
  unwatch(loop: WatchedLoop): void {
    this.#watches.get(loop)?.close();
    this.#watches.delete(loop);
    if (this.#watches.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Watches nothing any more. */
  close(): void {
    for (const loop of this.#watches.keys()) this.unwatch(loop);
  }

  #look(): void {
    const nowMs = monotonicMs();
    const oversleptMs = Math.max(0, nowMs - this.#lookedMs - LOOK_PERIOD_MS);
    this.#lookedMs = nowMs;
    for (const watch of this.#watches.values()) watch.look(nowMs, oversleptMs);
  }
}

/** One loop under watch. */
class Watch {
  readonly #loop: WatchedLoop;
  readonly #blockedAfterMs: number;
  readonly #onBlocked: (report: BlockReport) => void;
  readonly #profile: StandingProfile;
  #armed = false;
  #closed = false;
  #renewedMs = 0;
  #beatMs = 0;
  /** From when on the next beat is waited for: the last one, or later where the wait was not the loop's doing. */
  #sinceMs = 0;
  /** What the loop has been found in; it may turn out to be shorter than a block. */
  #block: { readonly doing: string | null; reported: boolean } | null = null;

  constructor(loop: WatchedLoop, blockedAfterMs: number, onBlocked: (report: BlockReport) => void) {
    this.#loop = loop;
    this.#blockedAfterMs = blockedAfterMs;
    this.#onBlocked = onBlocked;
    this.#profile = new StandingProfile(() => loop.startCpuProfile());
  }

  async arm(): Promise<void> {
    await this.#profile.renew();
    this.#armed = true;
    this.#renewedMs = monotonicMs();
    this.#sinceMs = this.#renewedMs;
  }

  close(): void {
    this.#closed = true;
    this.#profile.close();
  }

  /** @param oversleptMs by how much the watchdog is late itself: what held it up may have held up the loop as well. */
  look(nowMs: number, oversleptMs: number): void {
    const beatMs = this.#loop.lastBeatMs();
    if (beatMs === 0 || !this.#armed) return;
    const hasBeaten = beatMs !== this.#beatMs;
    // A suspended machine. Less than that is told from a block by the profile.
    if (oversleptMs > this.#blockedAfterMs) this.#sinceMs = Math.min(nowMs, this.#sinceMs + oversleptMs);
    const lateMs = (hasBeaten ? beatMs : nowMs) - this.#sinceMs - BEAT_PERIOD_MS;
    // What is held up for so long has its beat late by so much, if it began right after the one before.
    const mayBeBlocked = lateMs > this.#blockedAfterMs - BEAT_PERIOD_MS;
    if (hasBeaten) {
      const heldMs = mayBeBlocked && this.#beatMs !== 0 ? Math.max(lateMs, this.#loop.heldMs()) : 0;
      // Beats may have come and gone while the watchdog slept, so what it has not seen itself is a block only when longer.
      const unseenMs = this.#block === null ? oversleptMs : 0;
      const isNews = this.#block?.reported !== true;
      if (isNews && heldMs - unseenMs > this.#blockedAfterMs) {
        void this.#report(heldMs, beatMs, this.#block?.doing ?? null, true);
      }
      this.#block = null;
      this.#beatMs = beatMs;
      this.#sinceMs = Math.max(beatMs, this.#sinceMs);
    } else if (mayBeBlocked) {
      this.#block ??= { doing: this.#loop.doing(), reported: false };
      if (lateMs > REPORT_BY_MS && !this.#block.reported) {
        this.#block.reported = true;
        void this.#report(lateMs, nowMs, this.#block.doing, false);
      }
    }
    // While a block waits to be reported, its profile must last.
    if ((this.#block === null || this.#block.reported) && nowMs - this.#renewedMs > RENEW_PROFILE_MS) {
      this.#renewedMs = nowMs;
      void this.#profile.renew();
    }
  }

  async #report(heldMs: number, untilMs: number, doing: string | null, isOver: boolean): Promise<void> {
    const fromMs = Math.max(this.#sinceMs, untilMs - heldMs);
    this.#renewedMs = monotonicMs();
    const { promise: late, resolve } = Promise.withResolvers<null>();
    const timer = setTimeout(resolve, PROFILE_TIMEOUT_MS, null).unref();
    const profile = await Promise.race([this.#profile.renew(), late]);
    clearTimeout(timer);
    if (this.#closed || profile === "gone") return;
    const stack = profile === null ? null : blockingStack(profile, fromMs, untilMs);
    if (stack === "idle") return;
    // Found only afterwards, and the profiler did not run either: the machine did not let anyone.
    if (stack === null && doing === null && isOver) return;
    this.#onBlocked({ loop: this.#loop.name, blockedMs: Math.round(heldMs), isOver, doing, stack });
  }
}
