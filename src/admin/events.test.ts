import assert from "node:assert/strict";
import { test } from "node:test";
import { Hono } from "hono";
import { Events } from "./events.ts";

test("all who watch share a reading, and only so many can", { timeout: 300_000 }, async (t) => {
  let readings = 0;
  const events = new Events(() => ({ reading: ++readings }));
  t.after(() => events.stop());
  const app = new Hono();
  app.get("/events", (context) => events.answer(context));
  const watchers = await Promise.all(
    Array.from({ length: 20 }, async () => {
      const { status, body } = await app.request("/events");
      assert.equal(status, 200);
      assert.ok(body);
      return body.pipeThrough(new TextDecoderStream()).getReader();
    }),
  );
  assert.equal((await app.request("/events")).status, 503);
  const read = () => Promise.all(watchers.map(async (watcher) => (await watcher.read()).value));
  assert.equal(new Set(await read()).size, 20, "the first at once, for each");
  const [text] = await read();
  assert.match(text ?? "", /^event: status\ndata: \{"reading":\d+\}\n\n$/);
  await read();
  // On a machine that is slow they may not all wait for the same one.
  assert.ok(readings < 35, `${readings} readings`);
  events.stop();
  const ends = await Promise.all(watchers.map(async (watcher) => (await watcher.read()).done));
  assert.ok(ends.every((done) => done));
});

test("who asks for the head alone does not watch", { timeout: 300_000 }, async (t) => {
  const events = new Events(() => ({}));
  t.after(() => events.stop());
  const app = new Hono();
  app.get("/events", (context) => events.answer(context));
  for (let i = 0; i < 20; i++) {
    const { status, headers } = await app.request("/events", { method: "HEAD" });
    assert.equal(status, 200);
    assert.equal(headers.get("Content-Type"), "text/event-stream");
  }
  const { status, body } = await app.request("/events");
  assert.equal(status, 200);
  await body?.cancel();
});
