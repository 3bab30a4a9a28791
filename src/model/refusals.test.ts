import assert from "node:assert/strict";
import { test } from "node:test";
import { CLIENT_ERROR, CLIENT_ERRORS } from "./client-error.ts";
import { HTTP_ERROR, HTTP_ERRORS } from "./http-error.ts";
import { httpRefusalOf, REFUSAL, REFUSAL_REASONS } from "./refusals.ts";

test("every reason is where its code says, and has a name of its own", () => {
  for (const code of Object.values(CLIENT_ERROR))
    assert.equal(REFUSAL_REASONS[code].text, CLIENT_ERRORS[code].reason);
  for (const code of Object.values(HTTP_ERROR))
    assert.equal(REFUSAL_REASONS[httpRefusalOf(code)].text, HTTP_ERRORS[code].text);
  assert.equal(REFUSAL_REASONS[REFUSAL.datagram].name, "datagram");
  assert.equal(REFUSAL_REASONS[REFUSAL.proxyHeader].name, "proxy_header");
  assert.equal(REFUSAL_REASONS[CLIENT_ERROR.infoHashMissing].name, "info_hash_missing");
  const names = REFUSAL_REASONS.map(({ name }) => name);
  assert.equal(new Set(names).size, REFUSAL_REASONS.length);
  for (const name of names) assert.match(name, /^[a-z_]+$/);
});
