/**
 * A node of the cluster: sends what its workers hear, stores what other nodes hear, and fetches what it has missed. It
 * knows no network and no clock: a bus (nats-bus.ts) and the time are passed in, and {@link Cluster.tick} is called every
 * few milliseconds. Read this file first; docs/cluster.md has the operator's view.
 */
import { KeyedHash } from "../store/keyed-hash.ts";
import type { SwarmStore } from "../store/swarm-store.ts";
import { CHANGE_FLAG, ReplicationReader, type ReplicationRingData } from "../tasks/replication-ring.ts";
import { decodeShared, encodeShared, type SharedAnswer } from "../tasks/shared-answer.ts";
import { Applier, type ApplierRules } from "./applier.ts";
import { readBeat } from "./beat.ts";
import type { Bus, BusStatus } from "./bus.ts";
import { CatchUp, EVERYTHING } from "./catch-up.ts";
import { Digests } from "./digests.ts";
import { Donor } from "./donor.ts";
import { EventLog } from "./event-log.ts";
import { Newcomer } from "./newcomer.ts";
import type { Outbox } from "./outbox.ts";
import { Question, readQuestion } from "./question.ts";
import { type Message, Receiver, STATUS_BYTES_MAX } from "./receiver.ts";
import type { PeerRecord } from "./record.ts";
import type { ClusterSecrets } from "./secrets.ts";
import { Sender } from "./sender.ts";
import type { ClusterSettings } from "./settings.ts";
import type { ClusterStatus } from "./status.ts";
import { Tombstones } from "./tombstones.ts";

/** Changes that are taken from a ring in one tick. */
const DRAIN = 4096;

const BEAT_MS = 1000;
/** Another heartbeat may be sent after this time, when a node appears. */
const EARLY_BEAT_MS = 100;
/** How long it is reported that another node has the same name. */
const SAME_NAME_MS = 60_000;

/** Answers of neighbors that are taken from other nodes in a second. */
const SHARED_MAX = 500;

/** This node's number among the nodes (tombstones.ts). */
const SELF = 0;

/** What a node is made of. */
export interface ClusterOptions {
  readonly settings: Pick<ClusterSettings, "name" | "node" | "site" | "sharePrivate">;
  readonly secrets: Pick<ClusterSecrets, "hashKey" | "mark">;
  /** Differs for every start. */
  readonly boot: number;
  readonly version: string;
  readonly store: SwarmStore;
  readonly rules: ApplierRules;
  /** The rings of the workers. */
  readonly rings: readonly ReplicationRingData[];
  readonly bus: Bus;
  /** Milliseconds by the clock of the store's times. */
  readonly now: () => number;
  /** Gets what the control planes of other nodes publish: hostile bytes. */
  readonly onNodeStatus?: (node: string, bytes: Uint8Array) => void;
  /** Gets what neighbors have answered to other nodes. @param sharesPrivate whether private addresses are the same here. */
  readonly onShared?: (answer: SharedAnswer, sharesPrivate: boolean) => void;
  /** The time between two rounds of digests, for tests. */
  readonly digestMs?: number | undefined;
  /** Sizes of tables, for tests; powers of two. */
  readonly sizes?: { readonly tombstones: number; readonly events: number };
}

/** A node of the cluster. */
export class Cluster {
  readonly #options: ClusterOptions;
  readonly #rings: readonly ReplicationReader[];
  readonly #applier: Applier;
  readonly #receiver: Receiver;
  readonly #sender: Sender;
  readonly #outbox: Outbox;
  readonly #events: EventLog;
  readonly #tombstones: Tombstones;
  readonly #donor: Donor;
  readonly #catchUp: CatchUp;
  readonly #newcomer: Newcomer;
  readonly #digests: Digests;
  readonly #question = new Question();
  #sharedSecond = 0;
  #sharedInSecond = 0;
  #beatMs = 0;
  #isConnected = false;

  constructor(options: ClusterOptions) {
    const { settings, secrets, store, rules, rings, bus, sizes } = options;
    this.#options = options;
    this.#rings = rings.map((ring) => new ReplicationReader(ring));
    this.#events = new EventLog(sizes?.events);
    this.#tombstones = new Tombstones(options.now(), secrets.hashKey, sizes?.tombstones);
    this.#applier = new Applier(store, this.#tombstones, rules, {
      announcedLater: (record, timeMs) => this.#tellLate(record, timeMs),
      stopped: (record, timeMs, nowMs) => this.#events.add(record, nowMs, timeMs, true),
    });
    this.#receiver = new Receiver(settings, secrets.mark, this.#applier);
    this.#sender = new Sender({ settings, boot: options.boot, mark: secrets.mark }, bus);
    this.#outbox = this.#sender.outbox;
    this.#donor = new Donor(store, this.#events);
    this.#catchUp = new CatchUp(
      (node, question) => this.#sender.ask(node.name, question, this.#options.now()),
      () => this.#receiver.nodes,
    );
    this.#newcomer = new Newcomer(settings.site, this.#catchUp);
    const hash = new KeyedHash(secrets.hashKey[0], secrets.hashKey[1]);
    this.#digests = new Digests(settings.node, store, hash, this.#catchUp, {
      expirySeconds: rules.peerExpiry,
      roundMs: options.digestMs,
    });
  }

  /** Takes over the rules of a reload. */
  adopt(rules: ApplierRules): void {
    this.#applier.adopt(rules);
    this.#digests.expirySeconds = rules.peerExpiry;
  }

  /** Fetches everything again: shards of the store were emptied after a crash. */
  refetch(): void {
    this.#newcomer.restart();
  }

  /** Sends and fetches what is due. */
  tick(): void {
    const nowMs = this.#options.now();
    this.#drain(nowMs);
    if (this.#outbox.isDue(nowMs)) this.#outbox.flush(nowMs);
    const { isConnected } = this.#options.bus;
    const hasJustConnected = isConnected && !this.#isConnected;
    this.#isConnected = isConnected;
    if (!isConnected) return;
    if (hasJustConnected || nowMs - this.#beatMs >= BEAT_MS) this.#beat(nowMs);
    this.#catchUp.tick(nowMs);
    if (this.#newcomer.tick(this.#receiver.nodes, nowMs)) this.#beat(nowMs);
    if (this.#digests.tick(this.#receiver.nodes, this.#newcomer.isReady, nowMs))
      this.#sender.digest(this.#digests, nowMs);
  }

  /** Sends what was collected: this node stops. */
  flush(): void {
    const nowMs = this.#options.now();
    this.#drain(nowMs);
    this.#outbox.flush(nowMs);
  }

  /** Takes a message of another node. */
  receive(subject: string, bytes: Uint8Array): void {
    const nowMs = this.#options.now();
    const { node: self } = this.#options.settings;
    const message = this.#receiver.open(subject, bytes, nowMs);
    if (message === undefined) return;
    const { kind, other } = message.subject;
    if (other !== undefined && other !== self) return;
    if (kind === "records") {
      // Stops that this node was told are noted before older records of others are stored.
      this.#drain(nowMs);
      this.#follow(message, nowMs);
      message.node.received += this.#receiver.applyRecords(message, message.header.end, nowMs);
    } else if (kind === "neighbor") this.#shared(message, nowMs);
    else if (kind === "beat") this.#beaten(message, nowMs);
    else if (kind === "ask") this.#answer(message, nowMs);
    else if (kind === "answer") this.#answered(message, nowMs);
    else if (kind === "digest") {
      if (!this.#digests.take(message)) this.#receiver.refused.garbage++;
    }
  }

  /** Takes what the control plane of another node has published. It has no header: the server vouches for the node. */
  receiveStatus(node: string, bytes: Uint8Array): void {
    if (bytes.length > STATUS_BYTES_MAX) this.#receiver.refused.oversized++;
    else if (this.#receiver.nodes.some(({ name }) => name === node))
      this.#options.onNodeStatus?.(node, bytes);
  }

  /** Publishes what the control plane shows of this node to others. */
  publishStatus(bytes: Uint8Array): void {
    this.#sender.status(bytes);
  }

  /** Tells the other nodes what a neighbor is asked, or has answered. */
  share(answer: SharedAnswer): void {
    const bytes = encodeShared(answer);
    if (bytes === undefined) return;
    // The announce that is the cause comes first: the others must know the swarm.
    this.flush();
    this.#sender.neighbor(bytes, this.#options.now());
  }

  /** What this node does. @param connected whether it has a connection. */
  stateOf(connected: boolean): ClusterStatus["state"] {
    if (!connected) return "connecting";
    return this.#newcomer.isReady ? "current" : "catching-up";
  }

  /** What is known of the cluster. @param bus what is known of the connection. */
  status(bus: BusStatus): ClusterStatus {
    const nowMs = this.#options.now();
    const { sequence, sent, dropped } = this.#outbox;
    const { from, startedMs, records, fetches, failures } = this.#catchUp;
    const { nodes, refused, sameNameMs } = this.#receiver;
    return {
      ...bus,
      state: this.stateOf(bus.connected),
      boot: this.#options.boot,
      sequence,
      sent: { ...sent },
      dropped: { ...dropped },
      refused: { ...refused },
      tombstones: this.#tombstones.count,
      catchingUp:
        from === undefined ? null : { from: from.name, records, sinceMs: Math.round(nowMs - startedMs) },
      fetches,
      fetchFailures: failures,
      digest: this.#digests.status(nodes),
      sameName: sameNameMs > 0 && nowMs - sameNameMs < SAME_NAME_MS,
      nodes: nodes.map((node) => node.status(nowMs)),
    };
  }

  /** Takes what the workers have written. */
  #drain(nowMs: number): void {
    for (const ring of this.#rings) {
      ring.drain((words, at) => this.#take(words, at, nowMs), DRAIN);
      this.#outbox.addDropped(ring.takeDropped());
    }
  }

  #take(words: Uint32Array, at: number, nowMs: number): void {
    const outbox = this.#outbox;
    outbox.add(words, at, nowMs);
    const { record } = outbox;
    const { infoHash, address, port, flags } = record;
    if ((flags & (CHANGE_FLAG.stopped | CHANGE_FLAG.completed)) === 0) return;
    this.#events.add(record, nowMs, nowMs, false);
    if ((flags & CHANGE_FLAG.stopped) === 0) return;
    if (this.#tombstones.add(infoHash, address, port, nowMs, SELF)) this.#applier.removeStale(record);
    if ((flags & CHANGE_FLAG.counted) !== 0) this.#tombstones.markCounted(infoHash, address, port);
  }

  /** Tells the other nodes of an announce that was no news when it came. @param timeMs when it came. */
  #tellLate(record: PeerRecord, timeMs: number): void {
    const outbox = this.#outbox;
    const nowMs = this.#options.now();
    outbox.addRecord(record, timeMs, nowMs);
    this.#events.add(record, nowMs, timeMs, false);
  }

  /** Follows the sequence of a node, and asks for what is missing. */
  #follow({ node, header, sentMs }: Message, nowMs: number): void {
    const isUnknown = node.boot === 0;
    const { isMissing, hasRestarted, completeMs } = node.follow(header, sentMs);
    if (hasRestarted && nowMs - this.#beatMs >= EARLY_BEAT_MS) this.#beat(nowMs);
    if (isUnknown) {
      // A node that this one has never met may know anything.
      if (this.#newcomer.hasBegun)
        this.#catchUp.request(node, { sinceMs: EVERYTHING, foreignToo: true, ranges: [], isUncounted: true });
    } else if (isMissing || hasRestarted) {
      const missed = { sinceMs: completeMs, foreignToo: hasRestarted, ranges: [] };
      this.#catchUp.request(node, missed);
      // It has forgotten the stops that it was told. Another one has heard of them.
      if (hasRestarted) this.#catchUp.requestFromOther(node, missed);
    }
  }

  #beaten(message: Message, nowMs: number): void {
    const { node, bytes, header } = message;
    const beat = readBeat(bytes, header.end);
    if (beat === undefined) {
      this.#receiver.refused.garbage++;
      return;
    }
    header.count = 0;
    this.#follow(message, nowMs);
    node.isReady = beat.isReady;
    node.peers = beat.peers;
    node.swarms = beat.swarms;
    node.version = beat.version;
    node.digestRound = beat.digestRound;
  }

  /** Takes what a neighbor has answered to another node, as many in a second as the control plane can handle. */
  #shared({ bytes, header }: Message, nowMs: number): void {
    const { refused } = this.#receiver;
    const { site, sharePrivate } = this.#options.settings;
    const second = Math.floor(nowMs / 1000);
    this.#sharedInSecond = second === this.#sharedSecond ? this.#sharedInSecond + 1 : 1;
    this.#sharedSecond = second;
    if (this.#sharedInSecond > SHARED_MAX) {
      refused.tooMany++;
      return;
    }
    const answer = decodeShared(bytes.subarray(header.end));
    if (answer === undefined) refused.garbage++;
    else this.#options.onShared?.(answer, sharePrivate || header.site === site);
  }

  #answer({ node, bytes, header, sentMs }: Message, nowMs: number): void {
    const question = this.#question;
    if (readQuestion(bytes, header.end, question) === 0) {
      this.#receiver.refused.garbage++;
      return;
    }
    // What the answer says of a swarm includes these: they must come before it.
    this.flush();
    this.#sender.answer(node.name, question, this.#donor, { askedMs: sentMs, nowMs });
  }

  #answered(message: Message, nowMs: number): void {
    const { node, bytes, header } = message;
    const at = readQuestion(bytes, header.end, this.#question);
    if (at === 0) {
      this.#receiver.refused.garbage++;
      return;
    }
    // The next question is on its way while these records are stored.
    if (!this.#catchUp.answered(node, this.#question, header.count, nowMs)) return;
    this.#drain(nowMs);
    node.fetched += this.#receiver.applyRecords(message, at, nowMs);
  }

  #beat(nowMs: number): void {
    this.#beatMs = nowMs;
    const { store, version } = this.#options;
    const { isReady } = this.#newcomer;
    const digestRound = this.#digests.round(this.#receiver.nodes, isReady, nowMs);
    const { peerCount: peers, swarmCount: swarms } = store;
    this.#sender.beat({ isReady, digestRound, peers, swarms, version }, nowMs);
  }
}
