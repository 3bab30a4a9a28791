/** A real tracker to which some addresses keep opening connections: all others are answered, and so is the operator. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { probeUring } from "../../src/engine/uring/probe.ts";
import { announce } from "../support/announce.ts";
import { askAdmin, readMetrics } from "../support/ask-admin.ts";
import { Bed, until } from "../support/bed.ts";
import { TrackerProcess } from "../support/tracker-process.ts";

const CONFIG = `listen: { http: ["127.0.0.1:0"], udp: [] }
workers: 1
admin: { listen: "127.0.0.1:0" }
`;

/** Few for a tracker: half of them are for connections. */
const DESCRIPTORS = 400;
/** More connections than that, from several addresses. */
const CROWD = 600;
const ADDRESSES = 6;

/** Open connections to the admin listener: more than its limit. */
const HELD = 150;

/** Each of these clients is answered. */
const ANSWER_MS = 30_000;

const without = await probeUring();
for (const engine of ["node", "uring"])
  test(`${engine}: a crowd of idle connections, and few descriptors, lock out neither clients nor the operator`, {
    skip: engine === "uring" ? (without ?? false) : false,
    timeout: 300_000,
  }, async (t) => {
    const bed = await Bed.open(t);
    const by = ["sh", "-c", `ulimit -n ${DESCRIPTORS} && exec "$0" "$@"`];
    const tracker = await TrackerProcess.start(bed, `engine: ${engine}\n${CONFIG}`, { by });
    const fewer = await tracker.logged("the limit", ({ msg }) => msg.startsWith("fewer connections"));
    assert.equal(fewer.maxConnections, DESCRIPTORS / 2);
    const { port } = new URL(tracker.url);
    for (let i = 0; i < CROWD; i++) {
      const client = await hold(t, Number(port), `127.0.9.${1 + (i % ADDRESSES)}`);
      client.write("GET /scrape?info_hash=aaaaaaaaaaaaaaaaaaaa HTTP/1.1\r\nHost: localhost\r\n\r\n");
      await once(client, "data", { signal: AbortSignal.timeout(ANSWER_MS) });
    }
    const infoHash = randomBytes(20);
    for (let i = 1; i <= 15; i++)
      assert.equal(
        (await announce(tracker.url, { infoHash, port: 7000 + i })).incomplete,
        i,
        "everybody is answered",
      );
    assert.equal((await askAdmin(`${tracker.admin}healthz`)).body, "ok\n");
    const metrics = readMetrics((await askAdmin(`${tracker.admin}metrics`)).body);
    assert.equal(metrics.get('btrt_limits_hit_total{limit="max_connections"}'), 0);
    assert.equal(metrics.get('btrt_limits_hit_total{limit="open_files"}'), 0);
    const displaced = metrics.get('btrt_limits_hit_total{limit="idle_connections"}') ?? 0;
    assert.ok(displaced >= CROWD - DESCRIPTORS / 2, `${displaced} made room`);
    await tracker.logged("that idle ones are closed", ({ msg }) => /idle ones are closed/.test(msg));
    assert.equal(await tracker.stop(), 0);
  });

test("idle connections to the admin listener lock nobody out of it", { timeout: 300_000 }, async (t) => {
  const bed = await Bed.open(t);
  const tracker = await TrackerProcess.start(bed, CONFIG);
  const port = Number(new URL(tracker.admin).port);
  for (let i = 0; i < HELD; i++) {
    const client = await hold(t, port, "127.0.0.1");
    if (i % 3 === 0) client.write("GET /healthz HTTP/1.1\r\nHo");
  }
  assert.equal((await askAdmin(`${tracker.admin}healthz`)).body, "ok\n");
  const closed = 'btrt_admin_connections_closed_total{which="idle"}';
  await until("they made room", async () => {
    const metrics = readMetrics((await askAdmin(`${tracker.admin}metrics`)).body);
    return (metrics.get(closed) ?? 0) > 0;
  });
  assert.equal(await tracker.stop(), 0);
});

/** Opens a connection, and keeps it until the test is over. */
async function hold(t: TestContext, port: number, localAddress: string): Promise<Socket> {
  const socket = connect({ host: "127.0.0.1", port, localAddress }).on("error", () => {});
  t.after(() => socket.destroy());
  await once(socket, "connect");
  return socket;
}
