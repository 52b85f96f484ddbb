/**
 * Where the limits of this process's control groups stand.
 *
 * A limit holds for everything below it, so each group from the process's own up to the mount point counts. In a container
 * the path in `/proc/self/cgroup` may be one of the host's, of which only a part is mounted, or nothing: then what is
 * mounted is looked at.
 */
import { join, posix } from "node:path";
import { readHostText } from "./host-file.ts";

/** One hierarchy that may limit the process. */
export interface CgroupHierarchy {
  readonly version: 1 | 2;
  /** Below the root; the process's own group first, the mount point last. Some may not be there. */
  readonly directories: readonly string[];
}

interface Mount {
  /** Which part of the hierarchy is mounted. */
  readonly root: string;
  readonly point: string;
}

/** Where they are mounted unless `/proc/self/mountinfo` says otherwise. */
const USUAL_MOUNTS = { 1: "/sys/fs/cgroup", 2: "/sys/fs/cgroup" } as const;

/** @returns the hierarchies in which `controller` may limit this process: version 2, version 1, or both where it is mixed. */
export function cgroupHierarchies(root: string, controller: "memory" | "cpu"): CgroupHierarchy[] {
  const groups = readHostText(root, "proc/self/cgroup");
  if (groups === undefined) return [];
  const mounts = (readHostText(root, "proc/self/mountinfo") ?? "").split("\n");
  const found: CgroupHierarchy[] = [];
  for (const line of groups.split("\n")) {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) continue;
    const version = controllers === "" ? 2 : 1;
    if (version === 1 && !controllers.split(",").includes(controller)) continue;
    const mount = findMount(mounts, version, controller, path) ?? {
      root: "/",
      point: version === 2 ? USUAL_MOUNTS[2] : posix.join(USUAL_MOUNTS[1], controller),
    };
    found.push({ version, directories: directoriesOf(mount, path) });
  }
  return found;
}

/** Of several mounts of the hierarchy the first that has the process's group in it, else the first. */
function findMount(lines: readonly string[], version: 1 | 2, controller: string, path: string): Mount | undefined {
  let first: Mount | undefined;
  for (const line of lines) {
    const [place = "", kind = ""] = line.split(" - ", 2);
    const [type, , options = ""] = kind.split(" ");
    if (type !== (version === 2 ? "cgroup2" : "cgroup")) continue;
    if (version === 1 && !options.split(",").includes(controller)) continue;
    const [, , , rootField, pointField] = place.split(" ");
    if (rootField === undefined || pointField === undefined) continue;
    const mount = { root: unescape(rootField), point: unescape(pointField) };
    first ??= mount;
    if (within(mount.root, path) !== undefined) return mount;
  }
  return first;
}

/** The kernel writes white space and backslashes as octal numbers. */
function unescape(field: string): string {
  return field.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/** `path` as seen from `ancestor`, `undefined` where it is elsewhere. */
function within(ancestor: string, path: string): string | undefined {
  if (path.split("/").includes("..")) return undefined;
  if (ancestor === "/") return path;
  return path === ancestor || path.startsWith(`${ancestor}/`) ? path.slice(ancestor.length) : undefined;
}

function directoriesOf(mount: Mount, path: string): string[] {
  const steps = (within(mount.root, path) ?? "").split("/").filter((step) => step !== "");
  const directories: string[] = [];
  for (let depth = steps.length; depth >= 0; depth--) directories.push(join(mount.point, ...steps.slice(0, depth)));
  return directories;
}
