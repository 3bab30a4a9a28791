import assert from "node:assert/strict";
import crypto from "node:crypto";
import { syncBuiltinESMExports } from "node:module";
import { test } from "node:test";
import { Hono } from "hono";
import { guard } from "./guard.ts";

const TOKEN = "correct-horse-battery-staple";

function ask(app: Hono, token: string): Response | Promise<Response> {
  return app.request("/status", { headers: { Host: "127.0.0.1", Authorization: `Bearer ${token}` } });
}

test("a token is compared in constant time, whatever its length and where it differs", async (t) => {
  const compare = t.mock.method(crypto, "timingSafeEqual");
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  const app = new Hono();
  app.use(guard(() => TOKEN));
  app.get("/status", (context) => context.text("told"));
  const first = `x${TOKEN.slice(1)}`;
  const last = `${TOKEN.slice(0, -1)}x`;
  const tokens = [TOKEN, first, last, "x", TOKEN.slice(1), TOKEN + TOKEN, "x".repeat(200)];
  for (const [i, token] of tokens.entries()) {
    assert.equal((await ask(app, token)).status, token === TOKEN ? 200 : 401, token);
    // Nothing else decides: every token comes here, and as many bytes are compared of each.
    assert.equal(compare.mock.callCount(), i + 1, token);
    const call = compare.mock.calls[i];
    assert.deepEqual(
      call.arguments.map((bytes) => bytes.byteLength),
      [32, 32],
    );
    assert.equal(call.result, token === TOKEN);
  }
});

test("another token is in force at once, and the old one is not", async () => {
  let now = TOKEN;
  const app = new Hono();
  app.use(guard(() => now));
  app.get("/status", (context) => context.text("told"));
  assert.equal((await ask(app, TOKEN)).status, 200);
  now = "another-horse-battery-staple";
  assert.equal((await ask(app, TOKEN)).status, 401);
  assert.equal((await ask(app, now)).status, 200);
});
