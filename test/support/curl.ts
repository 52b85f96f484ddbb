/** Runs a document's curl command as it is written, against another address. */
import { execFile, spawnSync } from "node:child_process";

/** Why curl commands can't be run here; `false` when they can. */
export const curlMissing: string | false =
  spawnSync("curl", ["--version"]).error === undefined ? false : "curl is not installed";

/** What the documents' commands are written against. */
const DOCUMENTED_ORIGIN = "http://127.0.0.1:8080";

/** @returns what `command` prints, the answer's head first. Rejects when curl fails, or after ten seconds. */
export function runCurl(command: string, origin: string): Promise<string> {
  if (!command.includes(DOCUMENTED_ORIGIN)) throw new Error(`not written for ${DOCUMENTED_ORIGIN}: ${command}`);
  const script = command.replaceAll(DOCUMENTED_ORIGIN, origin).replace(/^curl /, "curl -sS --include ");
  return new Promise((resolve, reject) => {
    execFile("sh", ["-c", script], { timeout: 10_000, encoding: "utf8" }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${script}\n${stderr}`, { cause: error }));
    });
  });
}
