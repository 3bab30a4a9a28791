/**
 * One simulated swarm: the real tracker, and clients that arrive, ask it, connect, exchange pieces and leave. Time
 * advances in steps. The order of events within one step does not matter.
 */
import { ANNOUNCE_EVENT, type AnnounceEvent } from "../../src/model/announce.ts";
import { Random } from "../../src/model/random.ts";
import type { ClientRun } from "./bound.ts";
import { Flows } from "./flows.ts";
import { PIECES, Pieces } from "./pieces.ts";
import { homeCount, LANES, type SwarmPlan } from "./plan.ts";
import { SimulatedTracker, type TrackerPlan } from "./simulated-tracker.ts";

const PRESENT = 1;
const GONE = 2;
/** Capacity for all clients, so that the tracker counts the bytes that each of them reports. */
const TRACKER_ROOM = 65_536;
/** Seconds between sweeps of the tracker. */
const SWEEP_SECONDS = 60;

/** Two clients that are connected. */
interface Link {
  readonly peers: readonly [number, number];
  /** Bytes that each of the two has sent lately, and whether it sends to the other. */
  readonly sent: [number, number];
  readonly open: [boolean, boolean];
}

/** The traffic of a home, in bytes. */
interface HomeResult {
  downloaded: number;
  /** The part of `downloaded` from outside this home. */
  entered: number;
  left: number;
}

const NO_TRAFFIC: HomeResult = { downloaded: 0, entered: 0, left: 0 };

/** The results of a swarm. */
export interface SwarmResult {
  readonly fileBytes: number;
  readonly homes: HomeResult[];
  /** Seconds from arrival to completion of each client at home (without a home: of each), or infinity. */
  readonly seconds: number[];
  /** Clients that came to get the file, stayed to the end and do not have it. */
  unfinished: number;
  /** Announces of clients at home (without a home: of all), and the hours that they were there. */
  announces: number;
  hours: number;
  /**
   * The tracker's estimate from the reports of clients at home: bytes that entered, and bytes that would have with a
   * random choice.
   */
  estimated: { readonly entered: number; readonly atRandom: number };
  /** Violations: answers with the requester itself, and answers with more peers than are allowed. */
  selfReturned: number;
  overfull: number;
  readonly bytesSent: number[];
  readonly bytesReceived: number[];
  /** The clients of each home. */
  readonly clients: ClientRun[][];
}

/** Simulates a swarm. The same arguments have the same result. */
export function simulate(plan: SwarmPlan, tracker: TrackerPlan, seed: number): SwarmResult {
  return new Swarm(plan, tracker, seed).run();
}

class Swarm {
  readonly #plan: SwarmPlan;
  readonly #trackers: SimulatedTracker[];
  readonly #numWantMax: number;
  readonly #random: Random;
  readonly #pieces: Pieces;
  readonly #flows: Flows;
  readonly #result: SwarmResult;
  readonly #homeOf: (number | null)[];
  readonly #phase: Uint8Array;
  readonly #links: Link[][];
  readonly #known: Set<number>[];
  /** When each lane of each peer announces again. */
  readonly #announceAt: Float64Array;
  readonly #doneAt: Float64Array;
  /** Peers that are there, and those that will come, the first of them last. */
  readonly #present: number[] = [];
  readonly #coming: number[];
  #now = 0;

  constructor(plan: SwarmPlan, tracker: TrackerPlan, seed: number) {
    const { peers, networks } = plan;
    this.#plan = plan;
    const trackers = plan.clients.publicTracker
      ? [tracker, { ...tracker, policy: "random" as const }]
      : [tracker];
    this.#trackers = trackers.map(
      (each, i) => new SimulatedTracker(each, networks, TRACKER_ROOM + peers.length, seed + i),
    );
    this.#numWantMax = tracker.settings.numWant * trackers.length;
    this.#random = new Random([seed, 1, 2, 3]);
    this.#pieces = new Pieces(peers.length, plan.bytes, this.#random);
    this.#flows = new Flows(plan);
    this.#homeOf = peers.map(({ network }) => networks[network].home);
    this.#phase = new Uint8Array(peers.length);
    this.#links = peers.map(() => []);
    this.#known = peers.map(() => new Set());
    this.#announceAt = new Float64Array(peers.length * LANES.length).fill(Number.POSITIVE_INFINITY);
    this.#doneAt = new Float64Array(peers.length).fill(Number.POSITIVE_INFINITY);
    this.#coming = peers.map((_, i) => i).sort((a, b) => peers[b].arrives - peers[a].arrives || b - a);
    this.#result = {
      fileBytes: this.#pieces.pieceBytes * PIECES,
      homes: Array.from({ length: homeCount(plan) }, (): HomeResult => ({ ...NO_TRAFFIC })),
      seconds: [],
      unfinished: 0,
      announces: 0,
      hours: 0,
      estimated: { entered: 0, atRandom: 0 },
      selfReturned: 0,
      overfull: 0,
      bytesSent: peers.map(() => 0),
      bytesReceived: peers.map(() => 0),
      clients: Array.from({ length: homeCount(plan) }, () => []),
    };
  }

  run(): SwarmResult {
    const { until, clients } = this.#plan;
    let rechokeAt = 0;
    let sweepAt = 0;
    while (this.#now < until) {
      this.#arrive();
      for (const peer of [...this.#present]) this.#live(peer);
      this.#cutConnections();
      if (this.#now >= sweepAt) {
        for (const tracker of this.#trackers) tracker.sweep(this.#now);
        sweepAt = this.#now + SWEEP_SECONDS;
      }
      if (this.#now >= rechokeAt) {
        for (const peer of this.#present) this.#rechoke(peer);
        rechokeAt = this.#now + clients.rechokeSeconds;
      }
      this.#transfer();
      this.#now += clients.stepSeconds * this.#stepsToNextEvent();
    }
    for (const peer of [...this.#present]) this.#account(peer);
    this.#result.estimated = this.#trackers[0].estimate;
    for (const [peer, home] of this.#homeOf.entries()) {
      if (home === null) continue;
      const received = this.#isCounted(peer) ? this.#result.bytesReceived[peer] : 0;
      this.#result.clients[home].push({ peer, completedAt: this.#doneAt[peer], received });
    }
    return this.#result;
  }

  /** More than one only while nobody downloads. */
  #stepsToNextEvent(): number {
    const { peers, clients, until } = this.#plan;
    let next = until;
    if (this.#coming.length > 0) next = Math.min(next, peers[this.#coming.at(-1)!].arrives);
    for (const peer of this.#present) {
      if (this.#pieces.left(peer) > 0) return 1;
      next = Math.min(next, this.#leavesAt(peer));
      for (const lane of LANES.keys()) next = Math.min(next, this.#announceAt[peer * LANES.length + lane]);
    }
    return Math.max(1, Math.ceil((next - this.#now) / clients.stepSeconds));
  }

  #leavesAt(peer: number): number {
    const { leavesAt, staysSeconds } = this.#plan.peers[peer];
    return Math.min(leavesAt, this.#doneAt[peer] + staysSeconds);
  }

  #arrive(): void {
    const { peers } = this.#plan;
    while (this.#coming.length > 0 && peers[this.#coming.at(-1)!].arrives <= this.#now) {
      const peer = this.#coming.pop()!;
      if (peers[peer].seed) this.#pieces.complete(peer);
      this.#phase[peer] = PRESENT;
      this.#present.push(peer);
      this.#announce(peer, ANNOUNCE_EVENT.started);
    }
  }

  /** The actions of one client. */
  #live(peer: number): void {
    const plan = this.#plan.peers[peer];
    const share = 1 - this.#pieces.left(peer) / this.#result.fileBytes;
    if (!plan.seed && share >= plan.vanishesAt) this.#leave(peer, true);
    else if (this.#leavesAt(peer) <= this.#now) this.#leave(peer, plan.silent);
    else {
      for (const lane of LANES.keys()) {
        if (this.#announceAt[peer * LANES.length + lane] > this.#now) continue;
        this.#announceLane(peer, lane, ANNOUNCE_EVENT.none);
        this.#connectAll(peer);
      }
    }
  }

  /** Sends all announces of a client. */
  #announce(peer: number, event: AnnounceEvent): void {
    const { ipv6, hybrid } = this.#plan.peers[peer];
    const isSeparate = ipv6 && this.#plan.clients.separate;
    for (const [number, lane] of LANES.entries()) {
      if ((!lane.ipv6 || isSeparate) && (!lane.secondHash || hybrid)) this.#announceLane(peer, number, event);
    }
    if (event !== ANNOUNCE_EVENT.stopped) this.#connectAll(peer);
  }

  #announceLane(peer: number, lane: number, event: AnnounceEvent): void {
    const { clients, peers } = this.#plan;
    let interval = clients.mostInterval;
    let answered = 0;
    const namesBoth = peers[peer].ipv6 && !clients.separate;
    for (const tracker of this.#trackersOf(peer)) {
      const lanes = { lane: LANES[lane], namesBoth };
      tracker.announce(peer, peers[peer], lanes, this.#pieces.left(peer), event, this.#now, [
        this.#result.bytesReceived[peer],
        this.#result.bytesSent[peer],
      ]);
      interval = Math.min(interval, Math.max(clients.leastInterval, tracker.interval));
      answered += tracker.given;
      for (let i = 0; i < tracker.count; i++) {
        if (tracker.told[i] === peer) this.#result.selfReturned++;
        else this.#known[peer].add(tracker.told[i]);
      }
    }
    if (answered > this.#numWantMax) this.#result.overfull++;
    this.#announceAt[peer * LANES.length + lane] = this.#now + interval;
    if (this.#counts(peer)) this.#result.announces++;
  }

  /** The trackers that a client announces to. */
  #trackersOf(peer: number): readonly SimulatedTracker[] {
    return this.#plan.peers[peer].publicOnly ? this.#trackers.slice(-1) : this.#trackers;
  }

  /** Whether the result is about this client. */
  #counts(peer: number): boolean {
    return this.#isCounted(peer) && (this.#result.homes.length === 0 || this.#homeOf[peer] !== null);
  }

  #isCounted(peer: number): boolean {
    return this.#plan.peers[peer].arrives >= (this.#plan.countsFrom ?? 0);
  }

  /** Connects a client to all that it knows: it has announced all of its addresses and info-hashes, which clients do at once. */
  #connectAll(peer: number): void {
    for (const other of this.#known[peer]) this.#connect(peer, other);
  }

  #connect(peer: number, other: number): void {
    const most = this.#plan.clients.connections;
    if (this.#phase[other] !== PRESENT || !this.#plan.peers[other].reachable) return;
    if (this.#links[peer].length >= most || this.#links[other].length >= most) return;
    if (this.#pieces.left(peer) === 0 && this.#pieces.left(other) === 0) return;
    if (this.#links[peer].some(({ peers }) => peers.includes(other))) return;
    if (this.#isRefused(peer, other) || this.#isRefused(other, peer)) return;
    const link: Link = { peers: [peer, other], sent: [0, 0], open: [false, false] };
    this.#links[peer].push(link);
    this.#links[other].push(link);
    this.#pieces.see(peer, other, 1);
    this.#pieces.see(other, peer, 1);
  }

  /** Whether a router refuses a new connection of a peer, as the other is outside its home. */
  #isRefused(peer: number, other: number): boolean {
    const home = this.#homeOf[peer];
    if (home === null || home === this.#homeOf[other]) return false;
    return this.#trackers[0].isClosed(peer, this.#plan.peers[peer]);
  }

  /** Ends the connections across the border that routers have cut. */
  #cutConnections(): void {
    for (const peer of this.#trackers[0].takeCut())
      for (const link of [...this.#links[peer]])
        if (this.#homeOf[link.peers[0]] !== this.#homeOf[link.peers[1]]) this.#disconnect(link);
  }

  #disconnect(link: Link): void {
    const [one, other] = link.peers;
    for (const peer of link.peers) this.#links[peer].splice(this.#links[peer].indexOf(link), 1);
    this.#pieces.see(one, other, -1);
    this.#pieces.see(other, one, -1);
  }

  #leave(peer: number, silent: boolean): void {
    if (!silent) this.#announce(peer, ANNOUNCE_EVENT.stopped);
    for (const link of [...this.#links[peer]]) this.#disconnect(link);
    this.#account(peer);
    this.#phase[peer] = GONE;
    this.#known[peer].clear();
    this.#present.splice(this.#present.indexOf(peer), 1);
  }

  /** Records the result of a client that leaves, or is present at the end. */
  #account(peer: number): void {
    const { arrives, seed } = this.#plan.peers[peer];
    if (this.#counts(peer)) this.#result.hours += (this.#now - arrives) / 3600;
    const atEnd = this.#now >= this.#plan.until;
    if (!atEnd || seed || this.#pieces.left(peer) === 0) return;
    this.#result.unfinished++;
    if (this.#counts(peer)) this.#result.seconds.push(Number.POSITIVE_INFINITY);
  }

  /** Chooses whom a client sends to: a downloader those that sent it most, and one at random; a seeder at random. */
  #rechoke(peer: number): void {
    const { slots } = this.#plan.clients;
    const isSeeder = this.#pieces.left(peer) === 0;
    const wanting: { link: Link; side: 0 | 1; rank: number }[] = [];
    for (const link of this.#links[peer]) {
      const side = link.peers[0] === peer ? 0 : 1;
      link.open[side] = false;
      const rank = isSeeder ? this.#random.fraction() : link.sent[1 - side] + this.#random.fraction();
      if (this.#pieces.interests(peer, link.peers[1 - side])) wanting.push({ link, side, rank });
      // Bytes sent long ago lose their weight.
      link.sent[1 - side] /= 2;
    }
    if (wanting.length > slots) wanting.sort((a, b) => b.rank - a.rank);
    if (!isSeeder && wanting.length > slots) {
      const lucky = slots - 1 + this.#random.below(wanting.length - slots + 1);
      wanting[slots - 1] = wanting[lucky];
    }
    for (const { link, side } of wanting.slice(0, slots)) link.open[side] = true;
  }

  #transfer(): void {
    const flows = this.#flows;
    flows.count = 0;
    for (const peer of this.#present) this.#addFlows(peer);
    if (flows.count === 0) return;
    flows.allocate();
    for (let flow = 0; flow < flows.count; flow++) {
      const bytes = Math.floor(flows.rate[flow] * this.#plan.clients.stepSeconds);
      if (bytes > 0) this.#send(flows.from[flow], flows.to[flow], bytes);
    }
  }

  /** Adds a flow to everybody whom a client sends to; slots that are free go to others at once. */
  #addFlows(peer: number): void {
    const links = this.#links[peer];
    if (links.length === 0) return;
    let free = this.#plan.clients.slots;
    for (const { peers, open } of links) {
      const side = peers[0] === peer ? 0 : 1;
      if (!open[side]) continue;
      if (this.#pieces.interests(peer, peers[1 - side])) {
        this.#flows.add(peer, peers[1 - side]);
        free--;
      } else open[side] = false;
    }
    const first = this.#random.below(links.length);
    for (let i = 0; i < links.length && free > 0; i++) {
      const { peers, open } = links[(first + i) % links.length];
      const side = peers[0] === peer ? 0 : 1;
      if (open[side] || !this.#pieces.interests(peer, peers[1 - side])) continue;
      open[side] = true;
      this.#flows.add(peer, peers[1 - side]);
      free--;
    }
  }

  #send(from: number, to: number, most: number): void {
    let sent = 0;
    while (sent < most) {
      const piece = this.#pieces.choose(from, to);
      if (piece === -1) break;
      sent += this.#pieces.add(to, piece, most - sent);
      if (!this.#pieces.has(to, piece)) break;
      for (const { peers } of this.#links[to]) {
        this.#pieces.announceCopy(peers[0] === to ? peers[1] : peers[0], piece);
      }
    }
    if (sent === 0) return;
    this.#count(from, to, sent);
    if (this.#pieces.left(to) === 0) this.#complete(to);
  }

  #count(from: number, to: number, bytes: number): void {
    const { homes, bytesSent, bytesReceived } = this.#result;
    bytesSent[from] += bytes;
    bytesReceived[to] += bytes;
    const link = this.#links[to].find(({ peers }) => peers.includes(from))!;
    link.sent[link.peers[0] === from ? 0 : 1] += bytes;
    const [source, destination] = [this.#homeOf[from], this.#homeOf[to]];
    if (destination !== null && this.#isCounted(to)) {
      homes[destination].downloaded += bytes;
      if (source !== destination) homes[destination].entered += bytes;
    }
    if (source !== null && source !== destination && this.#isCounted(from)) homes[source].left += bytes;
  }

  /** A client has the complete file: it needs no other complete client. */
  #complete(peer: number): void {
    this.#doneAt[peer] = this.#now + this.#plan.clients.stepSeconds;
    if (this.#counts(peer)) this.#result.seconds.push(this.#doneAt[peer] - this.#plan.peers[peer].arrives);
    this.#announce(peer, ANNOUNCE_EVENT.completed);
    for (const link of [...this.#links[peer]]) {
      const other = link.peers[0] === peer ? link.peers[1] : link.peers[0];
      if (this.#pieces.left(other) === 0) this.#disconnect(link);
    }
  }
}
