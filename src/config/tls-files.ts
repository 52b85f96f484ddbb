/** Whether the certificate and key that a config names can be used, so that a start or a reload does not find out later. */
import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { createSecureContext } from "node:tls";

import { mapAt } from "./written.ts";
import type { Report } from "./written.ts";

const MAX_FILE_BYTES = 1024 * 1024;

/** Checks `server.tls` of a tree of written values; relative names are looked up in `directory`. */
export function checkTlsFiles(tree: unknown, directory: string, report: Report): void {
  const tls = mapAt(tree, "server", "tls");
  const [cert, key] = (["cert", "key"] as const).map((name) => {
    const file = tls[name];
    if (typeof file !== "string" || file === "" || file.includes("\0")) return undefined;
    const read = readPem(resolve(directory, file));
    if (typeof read === "string") report(["server", "tls", name], "value", read);
    return typeof read === "string" ? undefined : read;
  });
  if (cert === undefined || key === undefined) return;
  try {
    createSecureContext({ cert, key });
  } catch {
    // OpenSSL's own message says little, and nothing about which of the two it means.
    report(["server", "tls"], "key", "the certificate and the key are not PEM, or do not belong together");
  }
}

/** The file's bytes, or why it can't be read. */
function readPem(file: string): Buffer | string {
  try {
    const found = statSync(file);
    // Asked first: opening a pipe would wait for its other end.
    if (!found.isFile()) return "is not a file";
    if (found.size > MAX_FILE_BYTES) return "is larger than 1 MiB";
    return readFileSync(file);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT" ? "there is no such file" : "the file cannot be read";
  }
}
