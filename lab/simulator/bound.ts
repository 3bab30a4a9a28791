/**
 * The least that must enter a home: a bound that no policy can beat, even one that knows who arrives when, how long
 * everybody stays, and how fast everybody can send.
 *
 * The bound assumes more than any policy can reach. Each client at home is assumed to have every piece that the home
 * has. It sends at its full rate from its arrival on. It stays until its deadline, and after that for as long as it
 * would stay with the file. Three limits remain:
 *
 * - At any time, the clients at home together receive no more than the others at home can send.
 * - Of two clients, at least one must be reachable, or they cannot exchange anything.
 * - What one client received must enter once, if the home had nothing of the file.
 *
 * The first two limits are a flow in a network. It leads from each client (what it received) over the intervals between
 * events (what it can receive in each) to what the reachable and the other clients at home can send in that interval.
 * What does not fit comes from outside.
 */
import { type FlowNetwork, maxFlow } from "./max-flow.ts";
import type { SwarmPlan } from "./plan.ts";

/** What a client at home did in a run. */
export interface ClientRun {
  /** Its number in the plan. */
  readonly peer: number;
  /** When it had the complete file; infinite if it never had. */
  readonly completedAt: number;
  /** The bytes that it received, if it is counted ({@link SwarmPlan.countsFrom}). */
  readonly received: number;
}

/** A client, and its deadline. Times in seconds, rates in bytes a second. */
interface Client {
  readonly arrives: number;
  /** When it must have what it received in the run; and when it leaves. */
  readonly deadline: number;
  readonly leaves: number;
  readonly upload: number;
  readonly download: number;
  readonly received: number;
  readonly hasCopy: boolean;
  readonly reachable: boolean;
}

/**
 * The least bytes that enter a home, if each client receives as many bytes as in a run.
 * @param runs what all clients at that home did in the run.
 * @param patience each client may take this many times as long as in the run; 1 or more, may be infinite.
 */
export function leastEntered(plan: SwarmPlan, runs: readonly ClientRun[], patience: number): number {
  const clients = runs.map((run) => clientOf(plan, run, patience)).sort((a, b) => a.arrives - b.arrives);
  let least = 0;
  for (const together of periods(clients)) {
    const received = together.reduce((sum, client) => sum + client.received, 0);
    const first = together.some(({ hasCopy }) => hasCopy)
      ? 0
      : Math.max(...together.map((each) => each.received));
    least += Math.max(first, received - mostExchanged(together));
  }
  return least;
}

function clientOf(plan: SwarmPlan, { peer, completedAt, received }: ClientRun, patience: number): Client {
  const { arrives, leavesAt, staysSeconds, upload, download, seed, reachable } = plan.peers[peer];
  const completes = Number.isFinite(completedAt);
  const isEarly = arrives < (plan.countsFrom ?? 0);
  // A simulated client leaves in the step after.
  const end = Math.min(leavesAt, plan.until) + plan.clients.stepSeconds;
  const deadline = completes ? Math.min(end, arrives + patience * (completedAt - arrives)) : end;
  const leaves = completes ? Math.min(end, deadline + staysSeconds + plan.clients.stepSeconds) : end;
  // What a client has that is not counted can be sent.
  const hasCopy = seed || isEarly;
  return { arrives, deadline, leaves, upload, download, received, hasCopy, reachable };
}

/** Divides clients, by arrival, into those that are there without a gap. */
function periods(clients: readonly Client[]): Client[][] {
  const all: Client[][] = [];
  let until = Number.NEGATIVE_INFINITY;
  for (const client of clients) {
    if (client.arrives > until) all.push([]);
    all.at(-1)!.push(client);
    until = Math.max(until, client.leaves);
  }
  return all;
}

/** The most bytes that clients can receive from each other before their deadlines. */
function mostExchanged(clients: readonly Client[]): number {
  const times = [...new Set(clients.flatMap(({ arrives, deadline, leaves }) => [arrives, deadline, leaves]))];
  times.sort((a, b) => a - b);
  const source = clients.length + NODES_PER_INTERVAL * times.length;
  const network: FlowNetwork = { nodes: source + 2, edges: [] };
  for (const [i, { received }] of clients.entries()) network.edges.push([source, i, received]);
  for (let interval = 0; interval + 1 < times.length; interval++) {
    const period = [times[interval], times[interval + 1]] as const;
    addInterval(network, clients, period, clients.length + NODES_PER_INTERVAL * interval);
  }
  return maxFlow(network, source, source + 1);
}

/** Nodes of an interval: what all can send, what the reachable can send, what the others can send. */
const NODES_PER_INTERVAL = 3;

/** Adds what clients can exchange in one interval. The nodes of the interval are `all` and the next two. */
function addInterval(
  network: FlowNetwork,
  clients: readonly Client[],
  [from, to]: readonly [number, number],
  all: number,
): void {
  const [reachable, others, sink] = [all + 1, all + 2, network.nodes - 1];
  const isThere = ({ arrives, leaves }: Client) => arrives <= from && leaves >= to;
  const sendable = { all: 0, reachable: 0 };
  for (const client of clients) {
    if (!isThere(client)) continue;
    sendable.all += client.upload;
    if (client.reachable) sendable.reachable += client.upload;
  }
  network.edges.push(
    [all, reachable, Number.POSITIVE_INFINITY],
    [all, others, Number.POSITIVE_INFINITY],
    [reachable, sink, sendable.reachable * (to - from)],
    [others, sink, (sendable.all - sendable.reachable) * (to - from)],
  );
  for (const [i, client] of clients.entries()) {
    if (!isThere(client) || client.deadline < to) continue;
    const inReach = client.reachable ? sendable.all - client.upload : sendable.reachable;
    const rate = Math.min(client.download, inReach);
    if (rate > 0) network.edges.push([i, client.reachable ? all : reachable, rate * (to - from)]);
  }
}
