import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { startChild } from "../children.ts";
import { answersHttp } from "../ready.ts";
import { runCommand } from "./run-command.ts";
import { freePort, type Subject } from "./subject.ts";

const VERSION_TIMEOUT_MS = 5_000;
const READY_TIMEOUT_MS = 10_000;

/** The practical limit: a C proxy that only passes bytes. What all others are compared with. */
export const nginx: Subject = {
  name: "nginx",
  prepare: async () => /nginx\/(\S+)/.exec(await runCommand("nginx", ["-v"], VERSION_TIMEOUT_MS))?.[1] ?? "unknown",
  start: async ({ simUrl, core, folder }) => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const configPath = join(folder, "nginx.conf");
    writeFileSync(configPath, nginxConfig(new URL(simUrl).host, port, folder));
    return await startChild({
      name: "nginx",
      command: "nginx",
      args: ["-p", folder, "-c", configPath, "-e", join(folder, "error.log")],
      core,
      ready: async () => ((await answersHttp(`${url}/v1/models`)) ? url : null),
      readyTimeoutMs: READY_TIMEOUT_MS,
    });
  },
};

function nginxConfig(upstream: string, port: number, folder: string): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `  ${name}_temp_path ${join(folder, name)};`)
    .join("\n");
  return `daemon off;
worker_processes 1;
worker_rlimit_nofile 20000;
pid ${join(folder, "nginx.pid")};
events { worker_connections 20000; }
http {
${temporary}
  access_log off;
  keepalive_requests 10000000;
  upstream sim { server ${upstream}; keepalive 4096; keepalive_requests 10000000; }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      proxy_pass http://sim;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
      proxy_read_timeout 600s;
    }
  }
}
`;
}
