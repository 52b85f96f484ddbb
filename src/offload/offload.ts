/**
 * What a loop gives away: work that would hold up its streams. One pool for each kind, so that none waits behind another: a
 * body that is looked at in a millisecond not behind a picture, and nothing that a stream waits for behind a count that none
 * waits for. A pool that is not used has no thread.
 */
import { extname } from "node:path";
import type { TimerWheel } from "../core/timer-wheel.ts";
import { OffloadPool } from "./pool.ts";
import type { PoolMeter } from "./pool.ts";
import type { ProductTasks } from "./tasks/registry.ts";

interface OffloadOptions {
  readonly wheel: TimerWheel;
  readonly meter: PoolMeter;
  /** Threads of each kind of work, 1 or more. @default 1 */
  readonly threads?: number;
}

/** See the file's comment. */
export class Offload {
  /** Requests wait for it. */
  readonly bodies: OffloadPool<Pick<ProductTasks, "understand">>;
  /** Requests wait for it. */
  readonly images: OffloadPool<Pick<ProductTasks, "shrink_images">>;
  /** Nothing waits for it. */
  readonly counts: OffloadPool<Pick<ProductTasks, "count_tokens">>;

  constructor(options: OffloadOptions) {
    // `.ts` when run from source, `.js` when run from the package.
    const entry = new URL(`./offload-thread${extname(import.meta.url)}`, import.meta.url);
    this.bodies = new OffloadPool({ ...options, entry });
    this.images = new OffloadPool({ ...options, entry, yieldsToLoops: true });
    this.counts = new OffloadPool({ ...options, entry, yieldsToLoops: true });
  }

  /** Ends every thread. */
  async close(): Promise<void> {
    await Promise.all([this.bodies.close(), this.images.close(), this.counts.close()]);
  }
}
