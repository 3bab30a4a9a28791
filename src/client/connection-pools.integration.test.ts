import assert from "node:assert/strict";
import { it } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { TrackerClient } from "./tracker-client.ts";

const ANNOUNCES = 600;

it("there are pools for as many hosts as may be asked at once", async () => {
  const client = new TrackerClient({
    guard: () => true,
    refuseLowPorts: true,
    timeoutMs: 60_000,
    maxInFlight: ANNOUNCES,
    maxPerHost: 1,
    resolve: () => Promise.withResolvers<never>().promise,
  });
  const outcomes = Array.from({ length: ANNOUNCES }, (_, i) =>
    client.announce({ url: `http://host${i}.example/announce` }),
  );
  await nextTurn();
  assert.equal(client.inFlight, ANNOUNCES, "none is too busy");
  await client.close();
  for (const outcome of await Promise.all(outcomes)) assert.equal(outcome.answered, false);
});
