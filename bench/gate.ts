/**
 * What the gate costs, in one process and without any network: `node --expose-gc bench/gate.ts [torrents]`. With 0 torrents,
 * only announces are measured. All times are of the processor.
 *
 * - A tracker with 200,000 torrents of six subscribers, each with an endpoint of its own, and one peer outside: time and
 *   memory of the first scan, of a round over all, of the lists.
 * - CPU time per announce with the gate on, against off, in turns.
 */
import { Gate } from "../src/gate/gate.ts";
import { ELEMENTS_PER_EVENT, encodeGateEvent, GATE_LISTS } from "../src/gate/protocol.ts";
import { AnnounceRequest, AnnounceResponse } from "../src/model/announce.ts";
import { allocateCounters } from "../src/model/counters.ts";
import { Random } from "../src/model/random.ts";
import { buildPeerGroups, GROUP_IDS } from "../src/network/peer-groups.ts";
import { parsePrefix } from "../src/network/prefix.ts";
import { allocateActivity } from "../src/store/group-activity.ts";
import { KeyedHash } from "../src/store/keyed-hash.ts";
import { allocateSwarmStore } from "../src/store/store-memory.ts";
import { SwarmStore } from "../src/store/swarm-store.ts";
import { allocateTaskQueue, TaskReader, TaskWriter } from "../src/tasks/task-queue.ts";
import { AccessList, buildAccessList } from "../src/tracker/access-list.ts";
import { Tracker } from "../src/tracker/tracker.ts";
import { makeTrackerPolicy } from "./tracker-policy.ts";

const TORRENTS = Number(process.argv[2] ?? 200_000);
const MEMBERS = 6;
const MEMBER_NET = 10 << 24;
const OUTSIDE_NET = 99 << 24;
const NOW = 1_000_000;

const GROUPS = buildPeerGroups([
  { name: "home", priority: 0, prefixes: [parsePrefix("10.0.0.0/8").prefix], reachableFrom: [] },
]);

/** A tracker, and the requests that it is asked. */
class Subject {
  readonly clock = { seconds: NOW };
  readonly store: SwarmStore;
  readonly queue = allocateTaskQueue();
  readonly request = new AnnounceRequest();
  readonly #reader = new TaskReader(this.queue);
  readonly #tracker: Tracker;
  readonly #response = new AnnounceResponse();

  constructor(hasGate: boolean, maxPeers: number) {
    const counters = allocateCounters();
    const gatedGroups = hasGate ? new Uint8Array(new SharedArrayBuffer(GROUP_IDS)).fill(1, 1) : undefined;
    this.store = new SwarmStore(allocateSwarmStore(maxPeers, 16, [1, 2], hasGate), 1);
    this.#tracker = new Tracker({
      store: this.store,
      policy: { ...makeTrackerPolicy("bridged", GROUPS), gatedGroups },
      random: new Random([1, 2, 3, 4]),
      clock: this.clock,
      counters,
      activity: allocateActivity(),
      tasks: new TaskWriter(this.queue, counters),
    });
  }

  /** @param member from 0; the last is outside. */
  announce(swarm: number, member: number, left: number, event = 0): void {
    const { request } = this;
    const net = member < MEMBERS ? MEMBER_NET : OUTSIDE_NET;
    request.infoHash[0] = Math.imul(swarm + 1, 0x9e3779b1);
    request.infoHash[1] = swarm;
    request.address.setIPv4((net + swarm * MEMBERS + member) >>> 0);
    request.port = 6881;
    request.left = left;
    request.event = event as AnnounceRequest["event"];
    // Every client is another one.
    request.peerId[4] = swarm * MEMBERS + member + 1;
    this.#tracker.announce(request, this.#response);
  }

  /** Takes the tasks, as the control plane does. @returns how many. */
  drain(): number {
    let count = 0;
    this.#reader.drain(() => count++, Number.POSITIVE_INFINITY);
    return count;
  }
}

function measureGate(): void {
  const subject = new Subject(true, Math.max(100_000, 2 * TORRENTS * MEMBERS));
  subject.request.numWant = 0;
  for (let swarm = 0; swarm < TORRENTS; swarm++)
    for (let member = 0; member <= MEMBERS; member++) subject.announce(swarm, member, 1000);
  subject.drain();
  const gate = new Gate({
    store: subject.store,
    hash: new KeyedHash(3, 4),
    settings: {
      enabled: true,
      groups: [],
      seeders: "closed",
      exclude: new AccessList(buildAccessList("deny", new Uint32Array(0))),
      maxTorrents: 1_000_000,
      maxEndpoints: 4_000_000,
      home: "groups",
      stallSeconds: 600,
      interval: 1800,
    },
    groups: GROUPS,
    tracker: "bench",
    now: () => subject.clock.seconds,
  });
  const memory = () => {
    globalThis.gc?.();
    const { arrayBuffers, heapUsed } = process.memoryUsage();
    return arrayBuffers + heapUsed;
  };
  const before = memory();
  const scan = timed(() => gate.settle(true));
  const change = timed(() => gate.watch.tables.takeChanges());
  const after = memory();
  const round = timed(() => gate.settle(true));
  let bytes = 0;
  const snapshot = timed(() => {
    for (const list of GATE_LISTS)
      for (const elements of gate.watch.tables.texts.sent(list, ELEMENTS_PER_EVENT))
        bytes += encodeGateEvent({
          event: "change",
          version: 1,
          add: { [list]: elements },
          remove: {},
        }).length;
  });
  const { gated, sizes } = gate.watch.tables;
  console.log(`${gated} torrents gated, ${JSON.stringify(sizes)}`);
  console.log(`first scan ${scan} ms, the change that it makes ${change} ms`);
  console.log(`a round and a scan again ${round} ms`);
  console.log(`all lists as events ${snapshot} ms, ${(bytes / 1e6).toFixed(0)} MB of text`);
  console.log(`tables ${((after - before) / 1e6).toFixed(0)} MB`);
  const looks = 20_000;
  const infoHash = new Uint8Array(20);
  const view = new DataView(infoHash.buffer);
  const changes = timed(() => {
    for (let i = 0; i < looks; i++) {
      const swarm = (i * 7919) % TORRENTS;
      view.setInt32(0, Math.imul(swarm + 1, 0x9e3779b1));
      view.setUint32(4, swarm);
      gate.request(infoHash);
      gate.settle(false);
    }
  });
  console.log(`one task ${((1000 * changes) / looks).toFixed(1)} µs`);
}

/** Milliseconds of processor time. */
function timed(run: () => void): number {
  const began = process.threadCpuUsage();
  run();
  const { user, system } = process.threadCpuUsage(began);
  return Math.round((user + system) / 1000);
}

/** What clients do: how many bytes they have left, coarsely, and how many of a thousand come or go. */
const LOADS = [
  { name: "downloads that get on", progress: 10, coming: 0 },
  { name: "downloads without progress", progress: 0, coming: 0 },
  { name: "downloads that get on, a twentieth of announces comes or goes", progress: 10, coming: 50 },
] as const;
const ROUNDS = 31;
const ANNOUNCES = 100_000;
/** Announces in one turn. */
const TURN = 5000;
/** Seconds that go by in a round: a client announces every 300. */
const ROUND_SECONDS = 50;

interface Turn {
  readonly round: number;
  /** The first of {@link TURN} torrents. */
  readonly swarm: number;
  readonly progress: number;
  readonly coming: number;
}

/** Another member of each torrent announces in each round, so that all announce regularly. @returns microseconds. */
function announceSome(subject: Subject, { round, swarm: first, progress, coming }: Turn): number {
  const random = new Random([round, first, 7, 8]);
  const member = round % MEMBERS;
  const left = 1500 - progress * (1 + Math.floor(round / MEMBERS));
  const began = process.threadCpuUsage();
  for (let swarm = first; swarm < first + TURN; swarm++) {
    const isComing = random.below(1000) < coming / 2;
    if (isComing) subject.announce(swarm, member, left, 3);
    subject.announce(swarm, member, left, isComing ? 2 : 0);
  }
  const { user, system } = process.threadCpuUsage(began);
  return user + system;
}

/** Announces to torrents, with the gate on and off in turns. */
function measureAnnounces({ name, progress, coming }: (typeof LOADS)[number]): void {
  const torrents = ANNOUNCES;
  const subjects = [false, true].map((hasGate) => new Subject(hasGate, 1_000_000));
  for (const subject of subjects)
    for (let swarm = 0; swarm < torrents; swarm++)
      for (let member = 0; member < MEMBERS; member++) subject.announce(swarm, member, 1500);
  const samples: number[][] = [[], []];
  let tasks = 0;
  for (let round = 0; round < ROUNDS; round++) {
    for (const subject of subjects) {
      subject.request.numWant = 50;
      subject.clock.seconds += ROUND_SECONDS;
      subject.drain();
    }
    // In small turns, so that other work on the machine meets both alike.
    const sums = [0, 0];
    for (let swarm = 0; swarm < torrents; swarm += TURN)
      for (const i of swarm % (2 * TURN) === 0 ? [0, 1] : [1, 0])
        sums[i] += announceSome(subjects[i], { round, swarm, progress, coming });
    for (const i of [0, 1]) samples[i].push(sums[i]);
    tasks += subjects[1].drain();
  }
  const ratios = samples[1].map((on, i) => on / samples[0][i]).sort((a, b) => a - b);
  const at = (part: number) => ratios[Math.floor(part * (ratios.length - 1))].toFixed(3);
  const least = samples.map((each) => Math.min(...each));
  console.log(
    `${name}: CPU with the gate / without: median ${at(0.5)}, quarters ${at(0.25)} and ${at(0.75)}, ` +
      `of the fastest rounds ${(least[1] / least[0]).toFixed(3)}; ` +
      `${((1000 * tasks) / (ROUNDS * ANNOUNCES)).toFixed(0)} tasks per 1,000 announces`,
  );
}

if (TORRENTS > 0) measureGate();
for (const load of LOADS) measureAnnounces(load);
