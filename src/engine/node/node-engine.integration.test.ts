import assert from "node:assert/strict";
import { Server } from "node:net";
import { mock, test } from "node:test";
import { DESTINATIONS, describeReplySource } from "../conformance/reply-source.ts";
import { Rig } from "../conformance/rig.ts";
import { describeEngine } from "../conformance.ts";
import type { EngineCounters, EngineLimits, Services } from "../engine.ts";
import { NodeEngine } from "./node-engine.ts";

function makeEngine(services: Services, limits: EngineLimits, counters: EngineCounters): NodeEngine {
  return new NodeEngine(services, limits, counters);
}

describeEngine("NodeEngine", makeEngine);

describeReplySource((services, limits, counters) => {
  const watch = { list: () => DESTINATIONS, everyMs: 60_000 };
  return new NodeEngine(services, limits, counters, watch);
}, false);

test("a failure to accept is counted, and service continues", async (t) => {
  const listen = mock.method(Server.prototype, "listen");
  t.after(() => listen.mock.restore());
  const rig = await Rig.start(t, makeEngine);
  const server = listen.mock.calls[0].this;
  assert.ok(server instanceof Server);
  server.emit("error", Object.assign(new Error("accept ENFILE"), { code: "ENFILE" }));
  assert.equal(rig.counters.acceptFailures, 1);
  await rig.assertServes();
});
