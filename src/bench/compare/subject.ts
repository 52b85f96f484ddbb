/**
 * Something that stands between a client and the sim and is measured.
 */

import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import type { Child } from "../children.ts";

/** What a subject is started with. */
export interface SubjectPlace {
  /** Base URL of the sim it forwards to, e.g. `http://127.0.0.1:4010`. */
  readonly simUrl: string;
  /** Core that it runs on alone. */
  readonly core: number;
  /** An empty folder of its own for config and temporary files. */
  readonly folder: string;
}

/** One row of the table. */
export interface Subject {
  readonly name: string;
  /**
   * Share of the load that it is given, 0–1. What takes 50 × the CPU of the others would only be measured drowning.
   *
   * @default 1
   */
  readonly share?: number;
  /** Installs what is missing. @returns the version. @throws {Error} that says why it can't be measured here. */
  readonly prepare: () => Promise<string>;
  /** Starts it; the answer is its base URL. @throws {Error} when it does not start. */
  readonly start: (place: SubjectPlace) => Promise<Child>;
}

/** A TCP port of the loopback interface that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
