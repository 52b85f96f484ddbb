import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { faultsOf, LEAST, loaded } from "./config-text.ts";
import { CERTIFICATE, CERTIFICATE_KEY, OTHER_KEY } from "./pem.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

const text = (cert: string, key: string): string => `${LEAST}server:\n  tls: { cert: ${cert}, key: ${key} }\n`;

test("tls files are looked up beside the config and become absolute", (context) => {
  const directory = temporaryDirectory(context);
  writeFileSync(join(directory, "cert.pem"), CERTIFICATE);
  writeFileSync(join(directory, "key.pem"), CERTIFICATE_KEY);
  assert.deepEqual(loaded(text("cert.pem", "key.pem"), {}, directory).server.tls, {
    certFile: join(directory, "cert.pem"),
    keyFile: join(directory, "key.pem"),
  });
});

test("tls files that cannot be read are faults where they are named", (context) => {
  const directory = temporaryDirectory(context);
  mkdirSync(join(directory, "dir"));
  assert.deepEqual(faultsOf(text("nope.pem", "dir"), {}, directory), [
    "4:16: there is no such file",
    "4:31: is not a file",
  ]);
});

test("a key of another certificate, and files that are not PEM, are faults", (context) => {
  const directory = temporaryDirectory(context);
  writeFileSync(join(directory, "cert.pem"), CERTIFICATE);
  writeFileSync(join(directory, "other.pem"), OTHER_KEY);
  writeFileSync(join(directory, "junk.pem"), "junk");
  const expected = ["4:3: the certificate and the key are not PEM, or do not belong together"];
  assert.deepEqual(faultsOf(text("cert.pem", "other.pem"), {}, directory), expected);
  assert.deepEqual(faultsOf(text("cert.pem", "junk.pem"), {}, directory), expected);
});
