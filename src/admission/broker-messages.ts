/**
 * What a loop's admission desk and the main thread's broker say to each other. Plain data: it crosses threads by structured clone.
 */
import type { UpstreamObservations } from "./adaptive-limit.ts";
import type { Priority } from "./fair-queue.ts";

/** Who wants a slot, and what it weighs. */
export interface AdmissionRequest {
  /** The name in the config. */
  readonly upstream: string;
  readonly tenant: string;
  /** The tenant's share of the queue, above 0. */
  readonly weight: number;
  readonly priority: Priority;
  /** What the request will use as far as can be said, input and output. Brought into range by the queue. */
  readonly costTokens: number;
}

/** From a loop. A ticket is the loop's own number for one request that waits. */
export type ToBroker =
  | { readonly kind: "wait"; readonly ticket: number; readonly request: AdmissionRequest }
  /** Nobody waits with this ticket any more; a grant that is on its way comes back as `returned`. */
  | { readonly kind: "leave"; readonly ticket: number }
  /** A slot that was granted is free again. */
  | { readonly kind: "returned"; readonly upstream: string }
  /** Slots that the loop had taken by itself are free again, and somebody waits. */
  | { readonly kind: "freed"; readonly upstream: string }
  | { readonly kind: "observed"; readonly upstream: string; readonly seen: UpstreamObservations };

/** Why somebody does not get a slot. */
export type AdmissionRefusal = "queue_full" | "queue_timeout" | "upstream_waits";

/** From the broker; for each `wait` one of the two, unless the loop has said `leave` before. */
export type FromBroker =
  | { readonly kind: "granted"; readonly ticket: number; readonly upstream: string }
  | {
      readonly kind: "refused";
      readonly ticket: number;
      readonly code: AdmissionRefusal;
      /** Jittered already. */
      readonly retryAfterMs: number;
    };
