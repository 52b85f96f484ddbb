import assert from "node:assert/strict";
import { test } from "node:test";
import { createParser } from "eventsource-parser";
import type { EventSourceMessage } from "eventsource-parser";
import { ERRORS, GatewayError } from "../../../src/core/errors.ts";
import type { ErrorCode } from "../../../src/core/errors.ts";
import { anthropic } from "../../../src/dialects/anthropic/dialect.ts";
import type { Dialect } from "../../../src/dialects/dialect.ts";
import { gemini } from "../../../src/dialects/gemini/dialect.ts";
import { openai } from "../../../src/dialects/openai/dialect.ts";

const AWKWARD = 'quote " backslash \\ newline \n carriage \r\n return \u2028 data: x\n\nevent: y <é𝄞>';
const errors = (Object.keys(ERRORS) as ErrorCode[]).flatMap((code) => [
  new GatewayError(code),
  new GatewayError(code, { message: AWKWARD, param: "model", status: 529, detail: "secret detail" }),
]);

/** The one event of an error. */
function onlyEvent(text: string): EventSourceMessage {
  const events: EventSourceMessage[] = [];
  createParser({
    onEvent: (event) => events.push(event),
    onError: (error) => assert.fail(error),
    onComment: (comment) => assert.fail(comment),
  }).feed(text);
  assert.equal(events.length, 1);
  return events[0]!;
}

for (const dialect of [openai, anthropic, gemini]) {
  test(`${dialect.name}: every error is one event, with the body that it would have had as an answer`, () => {
    for (const error of errors) {
      const event = onlyEvent(dialect.errorEvent(error));
      assert.equal(event.event, dialect.name === "anthropic" ? "error" : undefined);
      assert.deepEqual(JSON.parse(event.data), JSON.parse(dialect.errorBody(error)));
      assert.doesNotMatch(dialect.errorBody(error), /secret/);
    }
  });

  test(`${dialect.name}: the scan of the same dialect takes our error event for a failure, after any broken event`, () => {
    for (const before of [
      "",
      "data: {",
      "event: content_block_delta\ndata: {",
      "data: x\n",
      "data: x\r\n\r",
      ": comment",
    ]) {
      for (const error of errors) {
        const scan = dialect.createScan();
        const bytes = Buffer.from(`${before}${before === "" ? "" : "\n\n"}${dialect.errorEvent(error)}`);
        scan.scan(bytes, 0, bytes.length);
        assert.equal(scan.failed, true, `${error.code} after ${JSON.stringify(before)}`);
        assert.equal(scan.complete, false);
        assert.equal(scan.atBoundary, true);
      }
    }
  });

  test(`${dialect.name}: reads its own error message back out of a body`, () => {
    for (const error of errors) {
      assert.equal(dialect.errorMessage(JSON.parse(dialect.errorBody(error))), error.message);
    }
    for (const body of [
      null,
      undefined,
      1,
      "x",
      [],
      {},
      { error: null },
      { error: { message: 5 } },
      { message: null },
    ]) {
      assert.equal(dialect.errorMessage(body), undefined);
    }
  });
}

/** The body of an error, parsed. */
const bodyOf = (dialect: Dialect, error: GatewayError): unknown => JSON.parse(dialect.errorBody(error));

test("openai: the official shape, with our code", () => {
  assert.deepEqual(bodyOf(openai, new GatewayError("model_not_found", { message: "m", param: "model" })), {
    error: { message: "m", type: "invalid_request_error", param: "model", code: "model_not_found" },
  });
  assert.deepEqual(bodyOf(openai, new GatewayError("upstream_unreachable", { message: "m" })), {
    error: { message: "m", type: "server_error", param: null, code: "upstream_unreachable" },
  });
});

test("openai: reads the messages of servers with other shapes", () => {
  assert.equal(openai.errorMessage({ object: "error", message: "vllm", code: 400 }), "vllm");
  assert.equal(openai.errorMessage({ detail: "fastapi" }), "fastapi");
  assert.equal(openai.errorMessage({ error: "plain text" }), "plain text");
});

test("anthropic: the official shape and types", () => {
  const types = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    502: "api_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
  };
  for (const [status, type] of Object.entries(types)) {
    const error = new GatewayError("upstream_status", { status: Number(status), message: "m" });
    assert.deepEqual(bodyOf(anthropic, error), { type: "error", error: { type, message: "m" } });
  }
});

test("gemini: the official shape and status names", () => {
  const names = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
  };
  for (const [status, name] of Object.entries(names)) {
    const error = new GatewayError("upstream_status", { status: Number(status), message: "m" });
    assert.deepEqual(bodyOf(gemini, error), { error: { code: Number(status), message: "m", status: name } });
  }
  assert.equal(gemini.errorMessage([{ error: { message: "as an array" } }]), "as an array");
});

test("prompt requests hold the prompt as it is, and name model and stream where the dialect wants them", () => {
  const model = "a/b c?alt=json#x";
  for (const dialect of [openai, anthropic, gemini]) {
    const request = dialect.promptRequest(model, AWKWARD);
    const body = request.body.toString();
    assert.ok(JSON.stringify(JSON.parse(body)).includes(JSON.stringify(AWKWARD)));
    assert.match(request.path, /^\/[\x21-\x7e]+$/);
    if (dialect.name === "gemini")
      assert.equal(request.path, `/models/${encodeURIComponent(model)}:streamGenerateContent?alt=sse`);
    else
      assert.deepEqual([(JSON.parse(body) as { model: unknown }).model, body.includes('"stream":true')], [model, true]);
  }
});

test("keys travel in the header that each provider reads", () => {
  assert.deepEqual(openai.credentials("k"), ["authorization", "Bearer k"]);
  assert.deepEqual(anthropic.credentials("k").slice(0, 2), ["x-api-key", "k"]);
  assert.deepEqual(gemini.credentials("k"), ["x-goog-api-key", "k"]);
});
