import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../../../test/support/bed.ts";
import { HASH, taskOf } from "../../../test/support/forwarder-rig.ts";
import { readTotals } from "../../admin/readings.ts";
import { loadConfig } from "../../config/load.ts";
import { allocateCounters } from "../../model/counters.ts";
import { parsePrefix } from "../../network/prefix.ts";
import { CONTROL_PLANE } from "../../store/shard-lock.ts";
import { allocateSwarmStore } from "../../store/store-memory.ts";
import { SwarmStore } from "../../store/swarm-store.ts";
import { allocateAskTimes } from "../../tasks/ask-times.ts";
import { buildPolicy } from "../policy.ts";
import type { TaskHandler } from "../task-dispatcher.ts";
import { ForwardingFeature } from "./forwarding-feature.ts";

test("a reload with other limits keeps what has been counted, and what waits", async (t) => {
  const loaded = await loadConfig({ defaults: true });
  assert.ok(loaded.config !== null);
  const { config } = loaded;
  const policy = buildPolicy(loaded);
  const having = (max_requests: number) => ({
    ...loaded,
    config: {
      ...config,
      forwarded_announce: {
        ...config.forwarded_announce,
        max_requests,
        clients: [parsePrefix("198.18.0.0/15").prefix],
      },
    },
  });
  let handle: TaskHandler = () => assert.fail();
  const feature = new ForwardingFeature(
    {
      store: new SwarmStore(allocateSwarmStore(1000, 1, [1, 2]), CONTROL_PLANE),
      askTimes: allocateAskTimes(1024),
      tasks: {
        handle: (_, handler) => {
          handle = handler;
        },
        resume: () => {},
      },
      now: () => 1_800_000_000,
      allows: () => false,
    },
    having(10),
    policy,
  );
  t.after(() => feature.stop());
  feature.start();
  const announce = (client: number) =>
    handle(0, 0, taskOf({ client, swarm: client, url: `http://203.0.113.1:80/a?info_hash=${HASH}&port=1` }));
  const totals = readTotals({ counters: [allocateCounters()], activity: [] });
  const shown = () => feature.panel.read(totals).forwarding;
  announce(1);
  await until("it is asked", () => shown()?.failed === 1);
  feature.adopt(having(20), policy);
  assert.deepEqual([shown()?.asked, shown()?.failed], [1, 1]);
  announce(2);
  await until("the other client is asked", () => shown()?.failed === 2);
});
