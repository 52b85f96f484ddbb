import assert from "node:assert/strict";
import { totalmem } from "node:os";
import { test } from "node:test";
import { cgroupHierarchies } from "../../../src/observe/cgroup.ts";
import { hostLimits, readHostFacts } from "../../../src/observe/host.ts";
import { memoryLimitBytes, readMemory } from "../../../src/observe/memory.ts";
import { readNetwork } from "../../../src/observe/network.ts";
import { openFileLimit, readOpenFiles } from "../../../src/observe/open-files.ts";
import { canSharePort } from "../../../src/observe/reuse-port.ts";
import { hostRoot, MEMINFO, VERSION_2 } from "./host-root.ts";

const GIB = 1024 ** 3;
/** What version 1 says where there is no limit. */
const NO_LIMIT = "9223372036854771712\n";
const SERVICE = "sys/fs/cgroup/system.slice/headwaiter.service";

test("the least memory.max from the process's group up to the mount point holds", (context) => {
  const root = hostRoot(context, {
    ...VERSION_2,
    [`${SERVICE}/memory.max`]: "3221225472\n",
    [`${SERVICE}/memory.high`]: "max\n",
    "sys/fs/cgroup/system.slice/memory.max": "2147483648\n",
    "sys/fs/cgroup/memory.max": "max\n",
  });
  assert.equal(memoryLimitBytes(root), 2 * GIB);
  assert.equal(readMemory(root).limitedBy, "memory.max");
});

test("memory.high counts where it is lower than memory.max: past it the kernel holds the process up", (context) => {
  const root = hostRoot(context, {
    ...VERSION_2,
    [`${SERVICE}/memory.max`]: "2147483648\n",
    [`${SERVICE}/memory.high`]: "1073741824\n",
  });
  const { limitBytes, limitedBy, totalBytes } = readMemory(root);
  assert.deepEqual([limitBytes, limitedBy, totalBytes], [GIB, "memory.high", 8 * GIB]);
});

test("`max`, a number near 2^63 and a limit above the machine's memory are no limit", (context) => {
  const version1 = {
    "proc/meminfo": MEMINFO,
    "proc/self/cgroup": "4:memory:/a\n0::/\n",
    "proc/self/mountinfo": "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n",
    "sys/fs/cgroup/memory/memory.limit_in_bytes": NO_LIMIT,
  };
  const roots = [
    hostRoot(context, { ...VERSION_2, [`${SERVICE}/memory.max`]: "max\n" }),
    hostRoot(context, { ...VERSION_2, [`${SERVICE}/memory.max`]: `${64 * GIB}\n` }),
    hostRoot(context, { ...version1, "sys/fs/cgroup/memory/a/memory.limit_in_bytes": NO_LIMIT }),
    hostRoot(context, { ...version1, "sys/fs/cgroup/memory/a/memory.limit_in_bytes": "-1\n" }),
    hostRoot(context, { ...VERSION_2, [`${SERVICE}/memory.max`]: "what\n" }),
  ];
  for (const root of roots) {
    const { limitBytes, limitedBy, availableBytes } = readMemory(root);
    assert.deepEqual([limitBytes, limitedBy, availableBytes], [8 * GIB, "machine", 6 * GIB]);
  }
});

test("version 1 beside an empty version 2: the limit of the memory controller's own hierarchy holds", (context) => {
  const root = hostRoot(context, {
    "proc/meminfo": MEMINFO,
    "proc/self/cgroup": "5:devices:/x\n4:memory:/pods/b\n0::/\n",
    "proc/self/mountinfo":
      "34 31 0:31 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n" +
      "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n" +
      "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
    "sys/fs/cgroup/memory/memory.limit_in_bytes": NO_LIMIT,
    "sys/fs/cgroup/memory/pods/memory.limit_in_bytes": "1073741824\n",
    "sys/fs/cgroup/memory/pods/b/memory.limit_in_bytes": NO_LIMIT,
  });
  const { limitBytes, limitedBy } = readMemory(root);
  assert.deepEqual([limitBytes, limitedBy], [GIB, "memory.limit_in_bytes"]);
});

test("in a container of which only the host's part is mounted, the mount point is the process's group", (context) => {
  const root = hostRoot(context, {
    "proc/meminfo": MEMINFO,
    "proc/self/cgroup": "4:memory:/docker/c0ffee\n",
    "proc/self/mountinfo": "35 31 0:32 /docker/c0ffee /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n",
    "sys/fs/cgroup/memory/memory.limit_in_bytes": "536870912\n",
  });
  assert.equal(memoryLimitBytes(root), GIB / 2);
});

test("a group outside the namespace, or of which nothing is mounted, leads to the mount point", (context) => {
  for (const path of ["/../../elsewhere", "/kubepods/pod1/c1"]) {
    const root = hostRoot(context, {
      ...VERSION_2,
      "proc/self/cgroup": `0::${path}\n`,
      "sys/fs/cgroup/memory.max": "1073741824\n",
      "sys/elsewhere/memory.max": "1\n",
    });
    assert.equal(memoryLimitBytes(root), GIB, path);
  }
});

test("mount points with white space, other mounts of the hierarchy and no mount table are seen through", (context) => {
  const places = (mountinfo: string): unknown =>
    cgroupHierarchies(
      hostRoot(context, {
        "proc/self/cgroup": "0::/a/b\n",
        ...(mountinfo === "" ? {} : { "proc/self/mountinfo": mountinfo }),
      }),
      "memory",
    );
  assert.deepEqual(places("31 23 0:28 / /c\\040groups rw - cgroup2 cgroup2 rw\n"), [
    { version: 2, directories: ["/c groups/a/b", "/c groups/a", "/c groups"] },
  ]);
  assert.deepEqual(places("31 23 0:28 /z /other rw - cgroup2 x rw\n32 23 0:28 /a /part rw - cgroup2 x rw\n"), [
    { version: 2, directories: ["/part/b", "/part"] },
  ]);
  assert.deepEqual(places(""), [
    { version: 2, directories: ["/sys/fs/cgroup/a/b", "/sys/fs/cgroup/a", "/sys/fs/cgroup"] },
  ]);
});

test("memory is available up to the nearest limit, less what is in use, with the cache that can be given back", (context) => {
  const root = hostRoot(context, {
    ...VERSION_2,
    [`${SERVICE}/memory.max`]: `${2 * GIB}\n`,
    [`${SERVICE}/memory.current`]: `${1.5 * GIB}\n`,
    [`${SERVICE}/memory.stat`]: `anon ${GIB}\ninactive_file ${GIB / 4}\nactive_file 77\n`,
  });
  assert.equal(readMemory(root).availableBytes, 0.75 * GIB);
});

test("the limit on open files is the soft one, in numbers or without end", (context) => {
  const limits = (soft: string, hard: string): string =>
    "Limit                     Soft Limit           Hard Limit           Units     \n" +
    "Max cpu time              unlimited            unlimited            seconds   \n" +
    `Max open files            ${soft.padEnd(20)} ${hard.padEnd(20)} files     \n`;
  const root = hostRoot(context, {
    "proc/self/limits": limits("4096", "524288"),
    "proc/self/fd/0": "",
    "proc/self/fd/1": "",
    "proc/self/fd/2": "",
  });
  assert.deepEqual(readOpenFiles(root), { soft: 4096, hard: 524_288, open: 2 });
  assert.equal(openFileLimit(root), 4096);
  assert.equal(openFileLimit(hostRoot(context, { "proc/self/limits": limits("unlimited", "unlimited") })), Infinity);
});

test("ports that are reserved count no more, those outside the range never did", (context) => {
  const ports = (range: string, reserved: string): number | undefined =>
    readNetwork(
      hostRoot(context, {
        "proc/sys/net/ipv4/ip_local_port_range": range,
        "proc/sys/net/ipv4/ip_local_reserved_ports": reserved,
      }),
    ).ephemeralPorts?.usable;
  assert.equal(ports("32768\t60999\n", "\n"), 28_232);
  assert.equal(ports("1024 65535\n", "80,8080,9090-9099,65530-70000\n"), 64_512 - 1 - 10 - 6);
  assert.equal(ports("not a range\n", "\n"), undefined);
});

test("kernel settings are read as numbers and flags", (context) => {
  const root = hostRoot(context, {
    "proc/sys/net/core/somaxconn": "128\n",
    "proc/sys/net/ipv4/tcp_max_syn_backlog": "512\n",
    "proc/sys/net/ipv4/tcp_syncookies": "2\n",
    "proc/sys/net/ipv4/tcp_migrate_req": "0\n",
    "proc/sys/net/netfilter/nf_conntrack_max": "65536\n",
    "proc/sys/net/netfilter/nf_conntrack_count": "12\n",
  });
  assert.deepEqual(readNetwork(root), {
    ephemeralPorts: undefined,
    somaxconn: 128,
    synBacklog: 512,
    synCookies: true,
    migratesRequests: false,
    tracking: { max: 65_536, count: 12 },
  });
});

test("the least CPU quota holds, in either version of the control groups", (context) => {
  const version1 = {
    "proc/self/cgroup": "2:cpu,cpuacct:/a\n",
    "proc/self/mountinfo": "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n",
    "sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us": "100000\n",
  };
  const quota = (files: Record<string, string>): unknown => readHostFacts(hostRoot(context, files)).cpus.quota;
  assert.equal(quota({ ...VERSION_2, [`${SERVICE}/cpu.max`]: "max 100000\n" }), undefined);
  assert.equal(
    quota({
      ...VERSION_2,
      [`${SERVICE}/cpu.max`]: "400000 100000\n",
      "sys/fs/cgroup/system.slice/cpu.max": "150000 100000",
    }),
    1.5,
  );
  assert.equal(quota({ ...version1, "sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us": "-1\n" }), undefined);
  assert.equal(quota({ ...version1, "sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us": "50000\n" }), 0.5);
});

test("a CPU quota is rounded up to whole CPUs, and is never more than there are", (context) => {
  const facts = readHostFacts(hostRoot(context, { ...VERSION_2, [`${SERVICE}/cpu.max`]: "10000 100000\n" }));
  assert.equal(hostLimits(facts).cpus, 1);
  const plenty = { ...facts, cpus: { parallelism: 4, quota: 7.5 } };
  assert.equal(hostLimits(plenty).cpus, 4);
});

test("where there is neither /proc nor /sys, what Node knows is taken and the rest is unknown", (context) => {
  const { memory, network, cpus, openFiles } = readHostFacts(hostRoot(context, {}));
  assert.deepEqual([memory.totalBytes, memory.limitBytes, memory.limitedBy], [totalmem(), totalmem(), "machine"]);
  assert.equal(cpus.quota, undefined);
  assert.equal(openFiles.open, undefined);
  for (const setting of Object.values(network)) assert.equal(setting, undefined);
  if (process.platform !== "win32") assert.ok(openFiles.soft! > 0);
});

test("this machine's own figures are possible", () => {
  const { memory, openFiles } = readHostFacts();
  assert.ok(memory.limitBytes > 0 && memory.limitBytes <= memory.totalBytes);
  assert.ok(memory.availableBytes >= 0 && memory.availableBytes <= memory.totalBytes);
  assert.ok(openFileLimit() > 0);
  if (openFiles.open !== undefined) assert.ok(openFiles.open > 2 && openFiles.open <= openFileLimit());
});

test("two listeners have one port wherever Linux runs", async () => {
  const shared = await canSharePort();
  if (process.platform === "linux") assert.equal(shared, true);
});
