/**
 * What a sim tells about itself on its own routes.
 */

import { connect } from "node:http2";
import type { SeenCancel } from "../sim/ledger.ts";
import type { SimAddress } from "./scenario.ts";

const TIMEOUT_MS = 5_000;
const CANCELS_PATH = "/sim/cancels";

/** The hang-ups the sim has seen, the latest 65,536. @throws {Error} when it does not answer in five seconds. */
export async function readSimCancels(sim: SimAddress, signal: AbortSignal): Promise<readonly SeenCancel[]> {
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
  const text = sim.http2 ? await getOverHttp2(sim.url, bounded) : await getOverHttp1(sim.url, bounded);
  return (JSON.parse(text) as { readonly cancels: readonly SeenCancel[] }).cancels;
}

async function getOverHttp1(url: string, signal: AbortSignal): Promise<string> {
  const response = await fetch(new URL(CANCELS_PATH, url), { signal });
  if (!response.ok) throw new Error(`The sim answered ${response.status} to GET ${CANCELS_PATH}.`);
  return await response.text();
}

async function getOverHttp2(url: string, signal: AbortSignal): Promise<string> {
  const session = connect(url);
  try {
    return await new Promise((resolve, reject) => {
      session.on("error", reject);
      const stream = session.request({ ":path": CANCELS_PATH }, { signal });
      let text = "";
      stream.setEncoding("utf8");
      stream.on("data", (piece: string) => (text += piece));
      stream.on("error", reject);
      stream.on("end", () => resolve(text));
    });
  } finally {
    session.destroy();
  }
}
