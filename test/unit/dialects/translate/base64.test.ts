import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import {
  dataUrl,
  isDataUrl,
  parseDataUrl,
  standardBase64,
  urlSafeBase64,
} from "../../../../src/dialects/translate/base64.ts";

const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array));

test("either alphabet, padded or not, in lines or not, becomes the standard one with padding", () => {
  fc.assert(
    fc.property(bytes, (data) => {
      const standard = data.toString("base64");
      const safe = data.toString("base64url");
      for (const text of [
        standard,
        safe,
        standard.replace(/=+$/, ""),
        safe + "=".repeat((4 - (safe.length % 4)) % 4),
      ]) {
        assert.equal(standardBase64(text), standard);
        assert.equal(standardBase64(text.replaceAll(/.{1,7}/g, "$&\r\n")), standard);
      }
      assert.equal(urlSafeBase64(standard), safe);
    }),
  );
});

test("what is no base64 is told", () => {
  for (const text of ["a", "abcde", "ab=c", "ab===", "a b!", "é", "%"])
    assert.equal(standardBase64(text), undefined, text);
});

test("data: URLs are read back as written, and in the other forms that RFC 2397 allows", () => {
  fc.assert(
    fc.property(bytes, fc.constantFrom("image/png", "application/pdf", "text/plain"), (data, mediaType) => {
      const inline = { mediaType, data: data.toString("base64") };
      assert.deepEqual(parseDataUrl(dataUrl(inline)), inline);
      assert.ok(isDataUrl(dataUrl(inline)));
      assert.deepEqual(parseDataUrl(`data:${mediaType};charset=utf-8;base64,${data.toString("base64url")}`), inline);
    }),
  );
  assert.deepEqual(parseDataUrl("DATA:Image/PNG;BASE64,AAEC"), { mediaType: "image/png", data: "AAEC" });
  assert.deepEqual(parseDataUrl("data:image/png;base64,AA%3D%3D"), { mediaType: "image/png", data: "AA==" });
  assert.deepEqual(parseDataUrl("data:,h%C3%A9"), { mediaType: "text/plain", data: "aMOp" });
  for (const url of ["https://example.com/a.png", "data:image/png;base64", "data:image/png;base64,!", "data:,%E0"])
    assert.equal(parseDataUrl(url), undefined, url);
  assert.equal(isDataUrl("https://example.com/?data:"), false);
});
