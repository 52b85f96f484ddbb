import { readFileSync } from "node:fs";
import { startGateway } from "../own-processes.ts";
import type { Subject } from "./subject.ts";

/** This product, with everything on that is on by default. */
export const headwaiter: Subject = {
  name: "headwaiter",
  prepare: async () => {
    const manifest = readFileSync(new URL("../../../package.json", import.meta.url), "utf8");
    return (JSON.parse(manifest) as { version: string }).version;
  },
  start: async ({ simUrl, core }) => await startGateway(simUrl, { http2: false, core }),
};
