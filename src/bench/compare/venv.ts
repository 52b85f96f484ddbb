/**
 * Python programs, each in a scratch virtual environment of its own under the system's temporary folder.
 */

import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCommand } from "./run-command.ts";

const CREATE_TIMEOUT_MS = 120_000;
const INSTALL_TIMEOUT_MS = 900_000;

/** A package of PyPI at one version. */
export interface PythonPackage {
  /** Names the folder. */
  readonly name: string;
  /** As pip takes it, without the version, e.g. `litellm[proxy]`. */
  readonly requirement: string;
  readonly version: string;
}

/** Where the environment of `pack` is (or will be). */
export function venvFolder(pack: PythonPackage): string {
  return join(tmpdir(), "headwaiter-peers", `${pack.name}-${pack.version}`);
}

/** Installs `pack` unless an earlier run has. @throws {Error} that says why it can't be. */
export async function installPackage(pack: PythonPackage): Promise<void> {
  const folder = venvFolder(pack);
  const installed = join(folder, "installed");
  if (existsSync(installed)) return;
  mkdirSync(folder, { recursive: true });
  await runCommand("python3", ["-m", "venv", "--clear", folder], CREATE_TIMEOUT_MS);
  const pip = ["install", "--quiet", "--disable-pip-version-check", `${pack.requirement}==${pack.version}`];
  await runCommand(join(folder, "bin", "pip"), pip, INSTALL_TIMEOUT_MS);
  writeFileSync(installed, `${pack.version}\n`);
}
