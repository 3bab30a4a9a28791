/** A process of its own: a `node` engine with the toy service. Prints its port; ends with its standard input. */
import { TestCounters } from "../conformance/rig.ts";
import { ToyService } from "../conformance/toy-service.ts";
import { NodeEngine } from "./node-engine.ts";

const limits = { maxConnections: 100_000, idleTimeoutMs: 60_000, requestTimeoutMs: 60_000 };
const engine = new NodeEngine(new ToyService(), limits, new TestCounters());
const [{ port }] = await engine.listen([{ host: "127.0.0.1", port: 0 }]);
console.log(port);
process.stdin.on("end", () => engine.stop(0)).resume();
