/**
 * A crowd of clients that announce to the trackers of a cluster, at a steady rate and whatever becomes of them. A client
 * takes any tracker of its site, and another one when that does not answer. Each answer is compared with what its tracker
 * must know. A program of its own (crowd.ts), so that it can run in a network namespace.
 */
import { Connections } from "./connections.ts";
import { PEER_PORT, type Peer, Peers, siteOfPrivate } from "./peers.ts";
import type {
  Comparison,
  CrowdAnswers,
  CrowdMessage,
  CrowdPlan,
  CrowdReply,
  TrackerReport,
} from "./protocol.ts";

const TICK_MS = 2;
/** A tick may be so late. */
const LATE_MS = 100;
const CONNECTIONS = 4;
/** Announces under way while all peers announce for the first time. */
const FILL_DEPTH = 400;
/** A poll of another tracker is answered with all peers. */
const POLL = `peer_id=0123456789012345678A&port=1&left=1&numwant=1000&compact=1&ip=11.255.255.255`;
const PEERS = "5:peers";
const PEER_BYTES = 6;

const plan: CrowdPlan = JSON.parse(process.argv[2]);
const peers = new Peers(plan);
const trackers = plan.trackers.map(({ url, site }) => ({
  connections: new Connections(url, CONNECTIONS),
  site,
}));
let reports = trackers.map(newReport);
let perSecond = 0;
let due = 0;
let lastTick = performance.now();
let underWay = 0;
let whenIdle: (() => void) | undefined;

function newReport() {
  const counts = {
    answered: 0,
    failed: 0,
    checked: 0,
    incomplete: 0,
    unexplained: 0,
    lastIncompleteAt: 0,
    leaks: 0,
  };
  return { ...counts, latencyMs: [] as number[] };
}

function hashOf(swarm: number): string {
  const hex = swarm.toString(16).padStart(8, "0");
  return `${(hex.match(/../g) ?? []).map((byte) => `%${byte}`).join("")}${"%a5".repeat(16)}`;
}

const textOf = (address: number) => [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join(".");

/** Sends an announce, to one tracker after the other until one answers. */
function announce(peer: Peer, stops: boolean, done: () => void): void {
  const tracker = choose(peer.site);
  if (tracker === undefined) {
    setTimeout(() => announce(peer, stops, done), 50);
    return;
  }
  const number = trackers.indexOf(tracker);
  const event = stops
    ? "&event=stopped"
    : peer.announcedMs === Number.POSITIVE_INFINITY
      ? "&event=started"
      : "";
  const left = peer.isSeed ? 0 : 1000;
  const identity = `peer_id=-CR0001-${peer.address.toString(16).padStart(12, "0")}`;
  const query = `info_hash=${hashOf(peer.swarm)}&${identity}&port=${PEER_PORT}&left=${left}&ip=${textOf(peer.address)}`;
  const pending = {
    path: `/announce?${query}&compact=1&numwant=${stops ? 0 : 200}${event}`,
    sentMs: 0,
    answered: (body: Buffer, receivedMs: number) => {
      const report = reports[number];
      report.answered++;
      report.latencyMs.push(receivedMs - pending.sentMs);
      if (!stops && !peer.isSeed) check(peer, body, pending.sentMs, number);
      peers.answered(peer, number, stops, receivedMs);
      done();
    },
    failed: () => {
      reports[number].failed++;
      announce(peer, stops, done);
    },
  };
  tracker.connections.send(pending);
}

/** A tracker of a site that has not failed just now. */
function choose(site: number) {
  const usable = trackers.filter((each) => each.site === site && each.connections.isUsable);
  return usable.length === 0 ? undefined : usable[peers.pick(usable.length)];
}

function check(peer: Peer, body: Buffer, sentMs: number, number: number): void {
  const addresses = addressesIn(body);
  const report = reports[number];
  report.checked++;
  for (const address of addresses) {
    const site = siteOfPrivate(address);
    if (site !== -1 && site !== peer.site) report.leaks++;
  }
  const result = peers.check(peer, addresses, sentMs);
  if (result === "complete") return;
  report.incomplete++;
  report.lastIncompleteAt = sentMs;
  if (result === "unexplained") report.unexplained++;
}

function addressesIn(body: Buffer): Set<number> {
  const found = new Set<number>();
  const key = body.indexOf(PEERS);
  if (key === -1) throw new Error(`no peers in ${body.toString("latin1")}`);
  const colon = body.indexOf(":", key + PEERS.length);
  const length = Number(body.toString("latin1", key + PEERS.length, colon));
  for (let at = colon + 1; at < colon + 1 + length; at += PEER_BYTES) found.add(body.readUInt32BE(at));
  return found;
}

function begin(): void {
  const next = peers.next();
  if (next === undefined) return;
  const { peer, stops } = next;
  underWay++;
  announce(peer, stops, () => {
    underWay--;
    if (underWay === 0) whenIdle?.();
  });
}

/** Waits until no announces are under way. */
async function idle(): Promise<void> {
  if (underWay > 0)
    await new Promise<void>((resolve) => {
      whenIdle = resolve;
    });
}

async function fill(): Promise<void> {
  let left = plan.swarms * plan.peersInSwarm;
  let waiting = 0;
  await new Promise<void>((resolve) => {
    const more = () => {
      const next = peers.next();
      left--;
      if (next === undefined) throw new Error("a peer announces twice");
      announce(next.peer, false, () => {
        waiting--;
        if (left > 0) more();
        else if (waiting === 0) resolve();
      });
      waiting++;
    };
    for (let depth = Math.min(FILL_DEPTH, left); depth > 0; depth--) more();
  });
}

function tick(): void {
  const now = performance.now();
  // What was not sent while this process did not run is left out.
  due += (Math.min(now - lastTick, LATE_MS) * perSecond) / 1000;
  lastTick = now;
  for (; due >= 1; due--) begin();
  const nowMs = Date.now();
  for (const { connections } of trackers) connections.check(nowMs);
}

/** All peers of a swarm, as a tracker has them. */
async function ask(number: number, swarm: number): Promise<Set<number>> {
  return await new Promise((resolve, reject) => {
    trackers[number].connections.send({
      path: `/announce?info_hash=${hashOf(swarm)}&${POLL}`,
      sentMs: 0,
      answered: (body) => resolve(addressesIn(body)),
      failed: () => reject(new Error(`tracker ${number} does not answer`)),
    });
  });
}

async function compare(): Promise<Comparison> {
  const each = () => trackers.map(() => 0);
  const result = { differing: 0, missing: each(), stale: each(), peers: each() };
  const step = 64;
  for (let first = 0; first < plan.swarms; first += step) {
    const swarms = Array.from({ length: Math.min(step, plan.swarms - first) }, (_, i) => first + i);
    await Promise.all(swarms.map((swarm) => compareSwarm(swarm, result)));
  }
  return result;
}

interface Counting {
  differing: number;
  readonly missing: number[];
  readonly stale: number[];
  readonly peers: number[];
}

async function compareSwarm(swarm: number, result: Counting): Promise<void> {
  const present = peers.swarms[swarm].filter(({ announcedMs }) => announcedMs < Number.POSITIVE_INFINITY);
  const known = new Set(present.map(({ address }) => address));
  const sets = await Promise.all(trackers.map((_, number) => ask(number, swarm)));
  const everywhere = sets.map((set) =>
    [...set]
      .filter((each) => siteOfPrivate(each) === -1)
      .sort()
      .join(),
  );
  if (new Set(everywhere).size > 1) result.differing++;
  for (const [number, set] of sets.entries()) {
    const { site } = trackers[number];
    result.peers[number] += set.size;
    for (const address of set)
      if (!known.has(address) && !peers.uncertain.has(address)) result.stale[number]++;
    for (const peer of present)
      if (!set.has(peer.address) && !peer.isUncertain && (!peer.isPrivate || peer.site === site))
        result.missing[number]++;
  }
}

async function answer(message: CrowdMessage): Promise<CrowdAnswers[keyof CrowdAnswers]> {
  switch (message.kind) {
    case "fill":
      await fill();
      return null;
    case "rate":
      perSecond = message.perSecond;
      due = 0;
      if (perSecond === 0) await idle();
      return null;
    case "killed":
      peers.killed(message.tracker, message.at);
      return null;
    case "apart":
      peers.apartSince = message.since ?? Number.POSITIVE_INFINITY;
      return null;
    case "report": {
      const last: TrackerReport[] = reports;
      reports = trackers.map(newReport);
      return last;
    }
    case "compare":
      return await compare();
  }
}

function reply(message: CrowdReply): void {
  process.send?.(message);
}

process.on("message", (message: CrowdMessage) => {
  answer(message).then(
    (result) => reply({ id: message.id, answer: result }),
    (error: unknown) => reply({ id: message.id, error: String(error) }),
  );
});
process.on("disconnect", () => process.exit());
setInterval(tick, TICK_MS);
