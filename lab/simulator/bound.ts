/**
 * The least that must come from outside: what no policy can beat, by full knowledge of who comes, stays and can send
 * what. It relaxes the truth wherever a schedule would have to be found, so that it is a bound and not an estimate:
 * whoever is at home has everything that the home has, sends at its full rate from its arrival on, and stays until its
 * deadline and as long after it as it stays with the file.
 *
 * Two things cannot be relaxed away. Whoever is at home at one time receives no more than the others at home can send;
 * and what one client received in a home that had nothing had to enter once.
 *
 * The first is a flow in a network: from each client (what it received) to each interval of time between two events (what
 * it can receive then) to what the home can send in that interval. What does not fit comes from outside.
 */
import { maxFlow, type FlowNetwork } from "./max-flow.ts";
import type { SwarmPlan } from "./plan.ts";

/** What a client at home did in a run that the bound is compared with. */
export interface ClientRun {
  /** Its number in the plan. */
  readonly peer: number;
  /** When it had the file; infinite if it never had. */
  readonly completedAt: number;
  /** What it received, in bytes. */
  readonly received: number;
}

/** A client with its deadline. Times in seconds. */
interface Client {
  readonly arrives: number;
  /** When it must have what it received in the run, and when it leaves. */
  readonly deadline: number;
  readonly leaves: number;
  readonly upload: number;
  readonly download: number;
  readonly received: number;
  readonly seed: boolean;
}

/**
 * The least bytes that enter a home.
 * @param runs of all clients at that home, in a run of any policy: how much each received, and when it had all.
 * @param patience how many times as long each may take as in that run; 1 or more, may be infinite.
 */
export function leastEntered(plan: SwarmPlan, runs: readonly ClientRun[], patience: number): number {
  const clients = runs.map((run) => clientOf(plan, run, patience)).sort((a, b) => a.arrives - b.arrives);
  let least = 0;
  for (const together of periods(clients)) {
    const received = together.reduce((sum, client) => sum + client.received, 0);
    const first = together.some(({ seed }) => seed) ? 0 : Math.max(...together.map((each) => each.received));
    least += Math.max(first, received - mostExchanged(together));
  }
  return least;
}

function clientOf(plan: SwarmPlan, { peer, completedAt, received }: ClientRun, patience: number): Client {
  const { arrives, leavesAt, staysSeconds, upload, download, seed } = plan.peers[peer];
  const completes = Number.isFinite(completedAt);
  // A simulated client leaves in the step after.
  const end = Math.min(leavesAt, plan.until) + plan.clients.stepSeconds;
  const deadline = completes ? Math.min(end, arrives + patience * (completedAt - arrives)) : end;
  const leaves = completes ? Math.min(end, deadline + staysSeconds + plan.clients.stepSeconds) : end;
  return { arrives, deadline, leaves, upload, download, received, seed };
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

/** The most that clients can receive from each other before their deadlines. */
function mostExchanged(clients: readonly Client[]): number {
  const times = [...new Set(clients.flatMap(({ arrives, deadline, leaves }) => [arrives, deadline, leaves]))];
  times.sort((a, b) => a - b);
  const sourceAt = clients.length + times.length;
  const network: FlowNetwork = { nodes: sourceAt + 2, edges: [] };
  for (const [i, { received }] of clients.entries()) network.edges.push([sourceAt, i, received]);
  for (let interval = 0; interval + 1 < times.length; interval++) {
    const [from, to] = [times[interval], times[interval + 1]];
    const there = clients.map((client) => client.arrives <= from && client.leaves >= to);
    const upload = clients.reduce((sum, client, i) => sum + (there[i] ? client.upload : 0), 0);
    const node = clients.length + interval;
    network.edges.push([node, sourceAt + 1, upload * (to - from)]);
    for (const [i, client] of clients.entries()) {
      if (!there[i] || client.deadline < to) continue;
      const rate = Math.min(client.download, upload - client.upload);
      if (rate > 0) network.edges.push([i, node, rate * (to - from)]);
    }
  }
  return maxFlow(network, sourceAt, sourceAt + 1);
}
