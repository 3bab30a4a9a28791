/** The script of the cluster thread: makes the node and its connection, and follows the control plane's commands. */
import { parentPort, workerData } from "node:worker_threads";
import { readClockMs } from "../platform/clock.ts";
import { CLUSTER_THREAD } from "../store/shard-lock.ts";
import { SwarmStore } from "../store/swarm-store.ts";
import { Cluster } from "./cluster.ts";
import { NatsBus } from "./nats-bus.ts";
import { deriveSecrets } from "./secrets.ts";
import type { ClusterCommand, ClusterEvent, ClusterThreadOptions } from "./thread-protocol.ts";

/** How often the rings of the workers are looked at. */
const TICK_MS = 20;
const REPORT_MS = 1000;

function post(event: ClusterEvent): void {
  parentPort?.postMessage(event);
}

const { settings, boot, version, store, rules, rings, clockBaseMs }: ClusterThreadOptions = workerData;
const bus = new NatsBus(settings, {
  receive: (subject, bytes) => cluster.receive(subject, bytes),
  receiveStatus: (node, bytes) => cluster.receiveStatus(node, bytes),
});
const cluster = new Cluster({
  settings,
  secrets: deriveSecrets(settings),
  boot,
  version,
  store: new SwarmStore(store, CLUSTER_THREAD),
  rules,
  rings,
  bus,
  now: () => readClockMs(clockBaseMs),
  onShared: (answer, sharesPrivate) => post({ kind: "shared", answer, sharesPrivate }),
  onNodeStatus: (node, bytes) => post({ kind: "node-status", node, bytes: bytes.slice() }),
});
/** What was reported last. */
let reported = "";
const timers = [setInterval(tick, TICK_MS), setInterval(report, REPORT_MS)];

function tick(): void {
  cluster.tick();
  if (stateNow() !== reported) report();
}

function report(): void {
  reported = stateNow();
  post({ kind: "cluster-status", status: cluster.status(bus.status) });
}

/** What is reported at once when it changes. */
function stateNow(): string {
  return cluster.stateOf(bus.isConnected);
}

async function stop(): Promise<void> {
  for (const timer of timers) clearInterval(timer);
  cluster.flush();
  await bus.close();
  parentPort?.close();
}

parentPort?.on("message", (command: ClusterCommand) => {
  if (command.kind === "adopt") cluster.adopt(command.rules);
  else if (command.kind === "publish-status") cluster.publishStatus(command.bytes);
  else if (command.kind === "share") cluster.share(command.answer);
  else if (command.kind === "refetch") cluster.refetch();
  else void stop();
});
void bus.open();
