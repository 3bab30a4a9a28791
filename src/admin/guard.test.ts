import assert from "node:assert/strict";
import crypto from "node:crypto";
import { syncBuiltinESMExports } from "node:module";
import { test } from "node:test";
import { Hono } from "hono";
import { type AdminEnv, guard } from "./guard.ts";

const TOKEN = "correct-horse-battery-staple";

function ask(app: Hono<AdminEnv>, token: string): Response | Promise<Response> {
  return app.request("/status", { headers: { Host: "127.0.0.1", Authorization: `Bearer ${token}` } });
}

test("a token is compared in constant time, whatever its length and where it differs", async (t) => {
  const compare = t.mock.method(crypto, "timingSafeEqual");
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  const app = new Hono<AdminEnv>();
  app.use(
    guard(
      () => ({ token: TOKEN, monitoringToken: null }),
      () => false,
    ),
  );
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
  const app = new Hono<AdminEnv>();
  app.use(
    guard(
      () => ({ token: now, monitoringToken: null }),
      () => false,
    ),
  );
  app.get("/status", (context) => context.text("told"));
  assert.equal((await ask(app, TOKEN)).status, 200);
  now = "another-horse-battery-staple";
  assert.equal((await ask(app, TOKEN)).status, 401);
  assert.equal((await ask(app, now)).status, 200);
});

test("the monitoring token opens the paths for monitoring alone, and says so to their handlers", async () => {
  const app = new Hono<AdminEnv>();
  app.use(
    guard(
      () => ({ token: TOKEN, monitoringToken: "monitoring-token-of-ours" }),
      (path) => path === "/status",
    ),
  );
  app.get("*", (context) => context.text(context.get("access")));
  const get = (path: string, token: string) =>
    app.request(path, { headers: { Host: "127.0.0.1", Authorization: `Bearer ${token}` } });
  assert.equal(await (await get("/status", "monitoring-token-of-ours")).text(), "monitoring");
  assert.equal((await get("/explain", "monitoring-token-of-ours")).status, 403);
  assert.equal((await get("/status/", "monitoring-token-of-ours")).status, 403);
  assert.equal(await (await get("/explain", TOKEN)).text(), "full");
  assert.equal((await get("/status", "monitoring-token-of-other")).status, 401);
});
