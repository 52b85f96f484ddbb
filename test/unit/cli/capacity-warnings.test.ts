import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { capacityWarnings } from "../../../src/cli/capacity-warnings.ts";
import { demoConfig } from "../../../src/config/demo.ts";
import type { ConfigSnapshot } from "../../../src/config/snapshot.ts";
import type { HostLimits } from "../../../src/observe/host.ts";
import { LEAST, loaded } from "../config/config-text.ts";

const GIB = 1024 ** 3;
/** What a Linux has that nobody has changed, at its smallest. */
const PLAIN: HostLimits = { openFiles: 4096, portsPerAddress: 28_232, memoryBytes: GIB, cpus: 2 };
const ROOMY: HostLimits = { openFiles: 1_048_576, portsPerAddress: 64_512, memoryBytes: 64 * GIB, cpus: 8 };

function configWith(connections: number, more = "", options = ""): ConfigSnapshot {
  return loaded(
    `${more}upstreams: { gpus: { endpoints: [ { url: http://127.0.0.1:1/v1 } ], connections: { max: ${connections} }${options} } }\n` +
      "models: { m: { upstream: gpus } }\n",
  );
}

test("whoever has chosen nothing is warned of nothing on a plain host, however many upstreams and loops there are", () => {
  const upstream = fc.record({
    endpoints: fc.integer({ min: 1, max: 8 }),
    http2: fc.constantFrom("auto", "on", "off"),
    scheme: fc.constantFrom("http", "https"),
  });
  fc.assert(
    fc.property(fc.array(upstream, { minLength: 1, maxLength: 10 }), fc.integer({ min: 1, max: 64 }), (list, loops) => {
      const written = list.map(({ endpoints, http2, scheme }, i) => {
        const urls = Array.from({ length: endpoints }, (_, n) => `{ url: ${scheme}://10.0.${i}.${n}:8000/v1 }`);
        return `u${i}: { endpoints: [ ${urls.join(", ")} ], http2: ${http2} }`;
      });
      const config = loaded(`upstreams: { ${written.join(", ")} }\nmodels: { m: { upstream: u0 } }\n`);
      const host = { ...PLAIN, cpus: loops, memoryBytes: Math.max(1, loops / 4) * GIB };
      assert.deepEqual(capacityWarnings(config, loops, host), []);
    }),
    { numRuns: 50 },
  );
  assert.deepEqual(capacityWarnings(demoConfig({}, new URL("http://127.0.0.1:1/v1")), 2, PLAIN), []);
});

test("nothing is said where nothing is known", () => {
  const unknown = { openFiles: Infinity, portsPerAddress: Infinity, memoryBytes: 64 * GIB, cpus: 2 };
  assert.deepEqual(capacityWarnings(configWith(100_000), 2, unknown), []);
});

test("a host that can't hold even 1,000 streams is named, whatever the config says", () => {
  const warnings = capacityWarnings(loaded(LEAST), 2, { ...PLAIN, openFiles: 1024 });
  assert.deepEqual(warnings.length, 1);
  assert.match(warnings[0]!, /^this process may open 1,024 files, enough for about 452 streams: LimitNOFILE=65536/);
  assert.match(
    capacityWarnings(loaded(LEAST), 1, { ...PLAIN, memoryBytes: 128 * 1024 ** 2 })[0]!,
    /1,000 streams take about/,
  );
});

test("more connections than files: says how many files it takes and what to set", () => {
  const config = configWith(40_000);
  const [warning, ...others] = capacityWarnings(config, 2, { ...ROOMY, openFiles: 65_536 });
  assert.deepEqual(others, []);
  assert.match(warning!, /^connections\.max asks for up to 40,000 connections .* 80,120 open files; .* 65,536/);
  assert.match(warning!, /LimitNOFILE=131072/);
  assert.deepEqual(capacityWarnings(config, 2, ROOMY), []);
});

test("the config that the documents give for 10,000 streams suits the unit that they give, on any number of cores", () => {
  for (const loops of [1, 4, 32])
    assert.deepEqual(capacityWarnings(configWith(10_000), loops, { ...ROOMY, openFiles: 65_536 }), []);
});

test("more connections to one address than it has ports: names the address and the setting", () => {
  const [warning, ...others] = capacityWarnings(configWith(30_000), 1, { ...ROOMY, portsPerAddress: 28_232 });
  assert.deepEqual(others, []);
  assert.match(warning!, /30,000 connections to http:\/\/127\.0\.0\.1:1; this host has 28,232 ports/);
  assert.match(warning!, /sysctl -w net\.ipv4\.ip_local_port_range="1024 65535"/);
});

test("buffers for slow clients that memory can't hold are named where someone has raised them, or the streams", () => {
  const host = { ...ROOMY, memoryBytes: 2 * GIB };
  assert.match(
    capacityWarnings(configWith(10_000), 1, host)[0]!,
    /^streams\.max_buffer lets 10,000 slow clients hold 2\.4 GiB/,
  );
  assert.match(
    capacityWarnings(configWith(1000, "streams: { max_buffer: 4MiB }\n"), 1, host)[0]!,
    /1,000 slow clients hold 3\.9 GiB/,
  );
  assert.deepEqual(capacityWarnings(configWith(10_000), 1, { ...host, memoryBytes: 4 * GIB }), []);
});

test("the worst that slow clients can do is not held against a config that has raised nothing", () => {
  assert.deepEqual(capacityWarnings(loaded(LEAST), 1, { ...PLAIN, memoryBytes: GIB / 4 }), []);
});

test("more loops than CPUs are named where someone has asked for them, and never where auto chose", () => {
  const config = loaded(LEAST);
  const chosen = loaded(`server: { workers: 8 }\n${LEAST}`);
  assert.deepEqual(capacityWarnings(chosen, 8, ROOMY), []);
  assert.match(capacityWarnings(chosen, 8, { ...ROOMY, cpus: 2 })[0]!, /^server\.workers: 8 event loops share 2 CPUs/);
  assert.deepEqual(capacityWarnings(config, 8, { ...ROOMY, cpus: 2 }), []);
});

test("a host with more of everything is never warned of more", () => {
  const limits = fc.record({
    openFiles: fc.integer({ min: 100, max: 200_000 }),
    portsPerAddress: fc.integer({ min: 100, max: 64_512 }),
    memoryBytes: fc.integer({ min: 1e8, max: 1e11 }),
    cpus: fc.integer({ min: 1, max: 64 }),
  });
  fc.assert(
    fc.property(
      limits,
      fc.double({ min: 1, max: 10, noNaN: true }),
      fc.integer({ min: 1, max: 100_000 }),
      (host, factor, max) => {
        const larger = {
          openFiles: host.openFiles * factor,
          portsPerAddress: host.portsPerAddress * factor,
          memoryBytes: host.memoryBytes * factor,
          cpus: host.cpus * factor,
        };
        const config = configWith(max);
        assert.ok(capacityWarnings(config, 2, larger).length <= capacityWarnings(config, 2, host).length);
      },
    ),
    { numRuns: 100 },
  );
});
