/**
 * A process with the toy services over TCP and UDP: `echo-process.ts ENGINE [shared]`. It prints its ports, and a line
 * when accepting has failed. It ends with its standard input. `shared` sets SO_REUSEPORT.
 */
import { makeEngine } from "../choice.ts";
import { allocateResources } from "../uring/resources.ts";
import { TestCounters } from "./rig.ts";
import { ToyDatagramService } from "./toy-datagram-service.ts";
import { ToyService } from "./toy-service.ts";

const [kind, shared] = process.argv.slice(2);
const limits = {
  maxConnections: 100_000,
  maxPerAddress: 100_000,
  idleTimeoutMs: 60_000,
  requestTimeoutMs: 60_000,
  maxDeferred: 100,
};
const services = { stream: new ToyService(), datagram: new ToyDatagramService() };
const counters = new TestCounters();
const resources = allocateResources(2, limits.maxConnections);
const engine = await makeEngine(kind === "uring" ? "uring" : "node", services, limits, counters, resources);
const free = [{ host: "127.0.0.1", port: 0 }];
const { streams, datagrams } = await engine.listen({ streams: free, datagrams: free }, shared === "shared");
console.log(streams[0].port, datagrams[0].port);
process.stdin.on("end", () => engine.stop(0)).resume();
void counters.until(() => counters.acceptFailures > 0).then(() => console.log("accepting failed"));
