import assert from "node:assert/strict";
import { test } from "node:test";
import { endpointAddress } from "../../../../src/upstream/address.ts";
import { requestFields } from "../../../../src/upstream/http2/request-fields.ts";
import { GET, post } from "./fixture-endpoint.ts";

test("joins base path and path, and takes scheme and authority from the address", () => {
  const address = endpointAddress(new URL("https://api.example.com/v1/"), ["authorization", "Bearer key"]);
  assert.deepEqual(requestFields(address, { ...GET, path: "/models", headers: ["accept", "*/*"] }), [
    ":method",
    "GET",
    ":scheme",
    "https",
    ":authority",
    "api.example.com",
    ":path",
    "/v1/models",
    "authorization",
    "Bearer key",
    "accept",
    "*/*",
  ]);
});

test("states the length of the body over all its slices, also of an empty one", () => {
  const address = endpointAddress(new URL("http://127.0.0.1:8000"), []);
  assert.deepEqual(requestFields(address, post([new Uint8Array(3), new Uint8Array(4)])).slice(-2), [
    "content-length",
    "7",
  ]);
  assert.deepEqual(requestFields(address, post([])).slice(-2), ["content-length", "0"]);
});
