/** Notifications to a service manager, and sockets from it. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { type TestContext, test } from "node:test";
import { announce } from "../support/announce.ts";
import { Bed, until } from "../support/bed.ts";
import { STUCK_PORT } from "../support/deadly-port.ts";
import { FakeSystemd } from "../support/fake-systemd.ts";

const DYING = `NODE_OPTIONS=--import ${new URL("../support/dying.ts", import.meta.url)}`;
const timeout = 300_000;

async function open(t: TestContext, path?: string): Promise<{ bed: Bed; manager: FakeSystemd }> {
  const bed = await Bed.open(t);
  const manager = await FakeSystemd.open(bed, path ?? bed.path("notify"));
  t.after(() => manager.close());
  return { bed, manager };
}

test("it serves the sockets it is given, and says when it is ready, reloads and stops", {
  timeout,
}, async (t) => {
  const { manager } = await open(t);
  const config = `${manager.listen}workers: 2\n`;
  const tracker = await manager.start(config);
  assert.deepEqual(tracker.urls, [`http://127.0.0.1:${manager.http.port}/announce`]);
  assert.deepEqual(await manager.hears("that it is ready", /^READY=1/), [
    "READY=1",
    "STATUS=serving 0 peers of 0 torrents",
  ]);
  await announce(tracker.url, { infoHash: randomBytes(20), port: 7001 });
  // On a slow machine, it also says between these steps that it is alive.
  let from = manager.heard.length;
  await tracker.reload(config);
  const [reloading] = await manager.hears("of the reload", /^MONOTONIC_USEC=\d+$/, from);
  assert.equal(reloading, "RELOADING=1");
  assert.deepEqual(await manager.hears("of its end", /^READY=1/, from), [
    "READY=1",
    "STATUS=serving 1 peer of 1 torrent",
  ]);
  from = manager.heard.length;
  await tracker.reload("no: configuration");
  const refused = await manager.hears("that the one in force stays", /^READY=1/, from);
  assert.match(
    refused[1],
    /^STATUS=serving 1 peer of 1 torrent; The new configuration is not in force: .*btrt\.conf:1:1: no: unknown key/,
  );
  from = manager.heard.length;
  await tracker.reload(config);
  assert.equal(
    (await manager.hears("of a good reload", /^READY=1/, from))[1],
    "STATUS=serving 1 peer of 1 torrent",
  );
  assert.equal(await tracker.stop(), 0);
  await manager.hears("that it stops", /^STOPPING=1/);
  assert.match(manager.heard.at(-1)?.join() ?? "", /^STOPPING=1,/, "and nothing after that");
});

test("it is alive as long as every thread is", { timeout }, async (t) => {
  const { manager } = await open(t, `@btrt-test-${process.pid}`);
  const tracker = await manager.start(`${manager.listen}workers: 2\n`, "WATCHDOG_USEC=600000", DYING);
  await manager.hears("that it is alive", /^WATCHDOG=1/);
  const unanswered = announce(tracker.url, { infoHash: randomBytes(20), port: STUCK_PORT });
  unanswered.catch(() => {});
  // On a busy machine, the worker that does not hang may be late, too.
  await until("it says of the thread that hangs, and no longer that it is alive", () => {
    const last = manager.heard.slice(-4).map((lines) => lines.join());
    return (
      last.length === 4 && last.every((lines) => /workers that do not respond: [01](, [01])?$/.test(lines))
    );
  });
});

test("sockets that the configuration does not name are served, but none of UDP if UDP is disabled", {
  timeout,
}, async (t) => {
  const { manager } = await open(t);
  const tracker = await manager.start('listen: { http: ["127.0.0.1:0"], udp: [] }\nworkers: 1\n');
  assert.equal(tracker.urls[1], `http://127.0.0.1:${manager.http.port}/announce`);
  await announce(tracker.urls[1], { infoHash: randomBytes(20), port: 7001 });
  assert.deepEqual(tracker.udpUrls, []);
  const { udp } = await tracker.logged("the UDP socket", ({ msg }) => msg.startsWith("listen.udp is empty"));
  assert.equal(udp, `127.0.0.1:${manager.udp.port}`);
  assert.equal(await tracker.stop(), 0);
});
