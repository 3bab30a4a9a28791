/**
 * The tracker: handles announces and scrapes of all protocols. Read this file first.
 */
import type { Exchange } from "../engine/engine.ts";
import type { Address } from "../model/address.ts";
import {
  ANNOUNCE_EVENT,
  type AnnounceRequest,
  type AnnounceResponse,
  NUM_WANT_DEFAULT,
} from "../model/announce.ts";
import { CLIENT_ERROR, type ClientErrorCode, OK } from "../model/client-error.ts";
import { COUNTER } from "../model/counters.ts";
import { INFO_HASH_WORDS } from "../model/info-hash.ts";
import type { Random } from "../model/random.ts";
import type { ScrapeRequest, ScrapeResponse } from "../model/scrape.ts";
import { NO_GROUP } from "../network/peer-groups.ts";
import { canBePeer } from "../network/special-purpose.ts";
import { LearnedCount } from "../selection/learned-count.ts";
import { PeerSelection } from "../selection/peer-selection.ts";
import { Requester } from "../selection/requester.ts";
import { countAdmission, roomFor } from "../store/admission.ts";
import { identityFrom } from "../store/client-identity.ts";
import { Displacement } from "../store/displacement.ts";
import { ACTIVITY, ACTIVITY_WIDTH } from "../store/group-activity.ts";
import { copyInfoHash, downloadedOf, noteStranded } from "../store/layout/entry.ts";
import { COUNTS, PutOutcome } from "../store/peer-update.ts";
import { ReadAhead } from "../store/read-ahead.ts";
import { isRefreshDue, setRefreshed, wasRefreshed } from "../store/swarm-state.ts";
import type { SwarmStore } from "../store/swarm-store.ts";
import { REFRESH_BYTES, writeRefresh } from "../tasks/refresh-task.ts";
import { TASK } from "../tasks/task-queue.ts";
import { AnnouncedPeer } from "./announced-peer.ts";
import { GateNotices } from "./gate-notices.ts";
import { setIntervals, shortenInterval } from "./intervals.ts";
import { countLocality } from "./locality.ts";
import { Replication } from "./replication.ts";
import { type Clock, NO_TASKS, type Tasks, type TrackerOptions } from "./tracker-options.ts";
import { isInside, type TrackerPolicy } from "./tracker-policy.ts";
import { hasUploaded, isFresh } from "./transferred.ts";

/** The connection of an announce (engine/engine.ts). It is passed whole, because to pass its token would allocate. */
export type Asker = Pick<Exchange, "mayDefer" | "token">;

/** Answers announces and scrapes. One for each thread; all share the store. Allocates nothing per request. */
export class Tracker {
  /** A reload replaces it as a whole. */
  policy: TrackerPolicy;
  readonly #store: SwarmStore;
  readonly #selection: PeerSelection;
  readonly #learned: LearnedCount;
  readonly #displacement: Displacement;
  readonly #random: Random;
  readonly #clock: Clock;
  readonly #counters: Float64Array;
  readonly #activity: Float64Array;
  readonly #tasks: Tasks;
  readonly #gate: GateNotices;
  readonly #replication: Replication | undefined;
  readonly #task = new Uint8Array(REFRESH_BYTES);
  readonly #readAhead: ReadAhead;
  readonly #requester = new Requester();
  readonly #update = new AnnouncedPeer();
  readonly #outcome = new PutOutcome();
  readonly #infoHash = new Uint32Array(INFO_HASH_WORDS);

  constructor(options: TrackerOptions) {
    const { store, policy, random, clock, counters, activity, tasks = NO_TASKS, replication } = options;
    this.#store = store;
    this.policy = policy;
    this.#random = random;
    this.#clock = clock;
    this.#counters = counters;
    this.#activity = activity;
    this.#tasks = tasks;
    this.#learned = new LearnedCount(store);
    this.#readAhead = new ReadAhead(store);
    this.#selection = new PeerSelection(store, random, counters, activity);
    this.#gate = new GateNotices(store, tasks);
    if (replication !== undefined) this.#replication = new Replication(store, replication);
    this.#displacement = new Displacement(store, random);
  }

  /**
   * Tells the tracker of an announce that comes soon, with others, so that it reads memory for them together.
   * @param request has what identifies the announce: info-hash, peer_id, key and port.
   */
  expect(request: AnnounceRequest): void {
    this.#readAhead.add(request);
  }

  /**
   * Stores or removes the peer, and returns other peers.
   * @param asker the connection, if the client may wait for peers of other trackers. If it must, `response.waitMs` is set.
   * @returns {@link OK} if the response was filled, otherwise the error for the client.
   */
  announce(request: AnnounceRequest, response: AnnounceResponse, asker?: Asker): ClientErrorCode {
    response.waitMs = 0;
    if (!this.policy.accessList.allows(request.infoHash)) return CLIENT_ERROR.notAllowed;
    this.#counters[COUNTER.announces]++;
    const who = this.#requester;
    who.group = this.policy.groups.groupOf(request.address);
    who.poll = this.policy.polls.includes(request);
    if (who.poll) return this.#answerPoll(request, response);
    const isAhead = this.#readAhead.take(request);
    who.client = isAhead ? this.#readAhead.client : this.#store.identities.hashOf(request);
    who.hasGate = this.policy.gatedGroups !== undefined && this.policy.gatedGroups[who.group] !== 0;
    const row = who.group * ACTIVITY_WIDTH;
    this.#activity[row + ACTIVITY.announces]++;
    setIntervals(response, this.policy, this.#random);
    const shard = isAhead ? this.#readAhead.enter() : this.#store.enter(request.infoHash);
    who.clearAnswer();
    if (request.event === ANNOUNCE_EVENT.stopped) this.#leaveSwarm(shard, request, response);
    else this.#joinSwarm(shard, request, response, asker);
    const { swarmHash, traffic } = this.#store;
    const isCounted = traffic.count(shard, swarmHash, request, who, this.#clock.seconds, this.#activity, row);
    this.#store.leave(shard);
    if (who.group !== NO_GROUP && response.waitMs === 0) countLocality(who, this.#counters);
    if (!isCounted) this.#counters[COUNTER.trafficUncounted]++;
    this.#counters[COUNTER.peersReturned] += response.peerCount + response.peer6Count;
    return OK;
  }

  /** Answers another tracker. It is no peer, so nothing is stored and no tracker is asked. */
  #answerPoll(request: AnnounceRequest, response: AnnounceResponse): ClientErrorCode {
    const store = this.#store;
    const who = this.#requester;
    this.#counters[COUNTER.polls]++;
    setIntervals(response, this.policy, this.#random);
    response.clear();
    who.clearAnswer();
    const shard = store.enter(request.infoHash);
    const entry = store.find(shard, request.infoHash);
    if (entry !== 0) {
      this.#loadRequester(request);
      who.stalled = false;
      who.marked = false;
      this.#answer(shard, entry, request, response);
    }
    store.leave(shard);
    this.#counters[COUNTER.peersReturned] += response.peerCount + response.peer6Count;
    return OK;
  }

  /**
   * Stores or removes the peer. {@link answer} returns other peers later.
   * @param response gets the counts of the swarm, but no peers.
   */
  register(request: AnnounceRequest, response: AnnounceResponse): ClientErrorCode {
    const { numWant } = request;
    request.numWant = 0;
    const error = this.announce(request, response);
    request.numWant = numWant;
    return error;
  }

  /** Answers an announce that {@link register} handled before. */
  answer(request: AnnounceRequest, response: AnnounceResponse): void {
    this.#answerRegistered(request, response, 0);
  }

  /** @param source of the requester (requester.ts). */
  #answerRegistered(request: AnnounceRequest, response: AnnounceResponse, source: number): void {
    const store = this.#store;
    const who = this.#requester;
    who.group = this.policy.groups.groupOf(request.address);
    who.poll = this.policy.polls.includes(request);
    who.client = store.identities.hashOf(request);
    who.clearAnswer();
    setIntervals(response, this.policy, this.#random);
    response.clear();
    if (request.event === ANNOUNCE_EVENT.stopped || who.poll) return;
    const shard = store.enter(request.infoHash);
    const entry = store.find(shard, request.infoHash);
    if (entry !== 0) {
      this.#loadRequester(request);
      // This announce has been counted already.
      this.#update.uploaded = false;
      this.#update.completed = false;
      const outcome = this.#put(shard, entry, request.address, request.port, who.group);
      who.stalled = false;
      who.before = 0;
      who.marked = outcome.marked;
      this.#putOther(shard, entry, request, outcome);
      who.source = source;
      this.#answer(shard, entry, request, response);
      who.source = 0;
      if (who.interval > 0) shortenInterval(response, this.policy, who.interval, this.#random);
      store.removeIfEmpty(shard, entry);
    }
    store.leave(shard);
    if (who.group !== NO_GROUP) countLocality(who, this.#counters);
    this.#counters[COUNTER.peersReturned] += response.peerCount + response.peer6Count;
  }

  /**
   * Like {@link answer}, for an announce that was forwarded from an upstream tracker.
   * @param source that tracker's number, or 0 (UpstreamTrackers.source).
   */
  answerForwarded(request: AnnounceRequest, response: AnnounceResponse, source: number): void {
    this.#answerRegistered(request, response, source);
    const { returned, returnedOutside } = this.#requester;
    this.#counters[COUNTER.forwardedReturned] += returned;
    this.#counters[COUNTER.forwardedNear] += returned - returnedOutside;
  }

  /** Counts the peers of each requested torrent. The counts of unknown torrents are 0. */
  scrape(request: ScrapeRequest, response: ScrapeResponse): ClientErrorCode {
    const store = this.#store;
    this.#counters[COUNTER.scrapes]++;
    for (let i = 0; i < request.count; i++) {
      copyInfoHash(request.infoHashes, i * INFO_HASH_WORDS, this.#infoHash);
      const shard = store.enter(this.#infoHash);
      const entry = store.find(shard, this.#infoHash);
      response.complete[i] = entry === 0 ? 0 : store.complete(entry);
      response.incomplete[i] = entry === 0 ? 0 : this.#incomplete(entry, false);
      response.downloaded[i] = entry === 0 ? 0 : downloadedOf(store.words, entry);
      store.leave(shard);
    }
    return OK;
  }

  #joinSwarm(shard: number, request: AnnounceRequest, response: AnnounceResponse, asker?: Asker): void {
    const store = this.#store;
    const who = this.#requester;
    let entry = store.find(shard, request.infoHash);
    this.#update.admission.isSwap = false;
    if (store.peerCount >= roomFor(this.policy.groups, who.group, store.maxPeers)) {
      this.#update.admission.isSwap = this.#makeRoom(shard, entry, request);
      entry = store.find(shard, request.infoHash);
    }
    if (entry === 0) entry = store.addSwarm(shard, request.infoHash, this.#clock.seconds);
    if (entry === 0) {
      this.#counters[COUNTER.peersRefused]++;
      response.clear();
      return;
    }
    this.#loadRequester(request);
    const outcome = this.#put(shard, entry, request.address, request.port, who.group);
    who.stalled = outcome.stalled && !who.seeder;
    who.marked = outcome.marked;
    who.before = outcome.before;
    if (this.policy.gatedGroups !== undefined) this.#gate.stored(outcome, this.#update);
    if (outcome.stranded && !who.seeder && isInside(this.policy, who.group)) noteStranded(store.words, entry);
    this.#putOther(shard, entry, request, outcome);
    if (this.policy.refreshSeconds > 0)
      response.waitMs = this.#requestRefresh(entry, request.infoHash, asker);
    if (response.waitMs > 0) {
      this.#replication?.answered(entry, request, who);
      response.clear();
      return;
    }
    this.#answer(shard, entry, request, response);
    if (this.policy.gatedGroups !== undefined)
      this.#gate.answered(this.policy.gatedGroups, entry, request, who);
    if (who.interval > 0) shortenInterval(response, this.policy, who.interval, this.#random);
    store.removeIfEmpty(shard, entry);
  }

  /** Removes a peer to make room for a new one when the tracker is full. @returns whether it did. */
  #makeRoom(shard: number, entry: number, request: AnnounceRequest): boolean {
    this.#loadRequester(request);
    const { group } = this.#requester;
    this.#update.setAddress(request.address, request.port, group, this.policy, this.#store.maxPeers);
    if (!this.#displacement.makeRoom(shard, entry, this.#update)) return false;
    this.#counters[COUNTER.peersDisplaced]++;
    return true;
  }

  /**
   * Queues a task to ask the neighbors about the swarm, if that is due.
   * @returns the milliseconds for which the client may wait for their peers. Only a swarm's first announce may wait.
   */
  #requestRefresh(entry: number, infoHash: Uint32Array, asker?: Asker): number {
    const { refreshSeconds, refreshWaitMs } = this.policy;
    const { words } = this.#store;
    const now = this.#clock.seconds;
    const peers = this.#store.announced(entry);
    if (peers === 0 || !isRefreshDue(words, entry, now, refreshSeconds)) return 0;
    const isNew = !wasRefreshed(words, entry);
    writeRefresh(this.#task, infoHash, peers, isNew);
    const waits = isNew && asker?.mayDefer === true && refreshWaitMs > 0;
    const token = waits ? asker.token : 0;
    // If the queue is full, the next announce tries again.
    if (!this.#tasks.push(TASK.refresh, token, this.#task, 0, REFRESH_BYTES)) return 0;
    setRefreshed(words, entry, now, refreshSeconds);
    if (!waits) return 0;
    this.#counters[COUNTER.waits]++;
    return refreshWaitMs;
  }

  #answer(shard: number, entry: number, request: AnnounceRequest, response: AnnounceResponse): void {
    const wanted = this.numWant(request);
    response.complete = this.#store.complete(entry);
    response.incomplete = this.#incomplete(entry, this.#requester.poll);
    this.#selection.select(shard, entry, this.policy, this.#requester, wanted, this.#clock.seconds, response);
    if (!this.#requester.poll) this.#replication?.answered(entry, request, this.#requester);
  }

  /** The number of incomplete peers for an answer. Learned peers are never counted in answers to other trackers. */
  #incomplete(entry: number, poll: boolean): number {
    const own = this.#store.incomplete(entry);
    return this.policy.settings.countLearned && !poll ? own + this.#learned.count(entry) : own;
  }

  /** Loads the requester and the stored values from the announce. */
  #loadRequester(request: AnnounceRequest): void {
    const who = this.#requester;
    who.address.copyFrom(request.address);
    who.onlyFamily = request.onlyFamily;
    who.left = request.left;
    who.seeder = request.left === 0 || request.event === ANNOUNCE_EVENT.paused;
    this.#replication?.begin();
    who.filled = request.left === 0 && !who.poll && isFresh(request);
    who.position4 = -1;
    who.position6 = -1;
    who.outsideMax = 0;
    who.interval = 0;
    this.#update.left = request.left;
    this.#update.identity = identityFrom(who.client);
    this.#update.counts = COUNTS.unknown;
    this.#update.uploaded = hasUploaded(request);
    this.#update.completed = request.event === ANNOUNCE_EVENT.completed && request.left === 0;
    this.#update.now = this.#clock.seconds;
  }

  /**
   * Stores the peer under its other address too, or finds the position where it is stored already. Only one of the two
   * records counts.
   * @param first the outcome of storing it under its first address.
   */
  #putOther(shard: number, entry: number, request: AnnounceRequest, first: PutOutcome): void {
    const { other, duplicate } = first;
    const who = this.#requester;
    const update = this.#update;
    who.isDuplicate = duplicate;
    if (request.hasOther) {
      if (who.isStored) update.counts = duplicate ? COUNTS.yes : COUNTS.no;
      update.completed = false;
      const group = this.policy.groups.groupOf(request.otherAddress);
      this.#put(shard, entry, request.otherAddress, request.otherPort, group);
    } else if (request.address.family === 4) who.position6 = other;
    else who.position4 = other;
  }

  /**
   * Stores the peer under one of its addresses. If that is not possible, it is answered all the same.
   * @returns the outcome, an object that the next call reuses.
   */
  #put(shard: number, entry: number, address: Address, port: number, group: number): PutOutcome {
    const update = this.#update;
    const outcome = this.#outcome;
    let position = -1;
    if (canBePeer(address, port)) {
      update.setAddress(address, port, group, this.policy, this.#store.maxPeers);
      position = this.#store.putPeer(shard, entry, update, outcome);
      this.#replication?.stored(address.family, position, outcome);
      update.admission.isSwap = false;
      if (position === -1 || outcome.displaced) countAdmission(outcome, this.#counters);
    } else outcome.clear();
    if (address.family === 4) this.#requester.position4 = position;
    else this.#requester.position6 = position;
    return outcome;
  }

  #leaveSwarm(shard: number, request: AnnounceRequest, response: AnnounceResponse): void {
    const store = this.#store;
    const entry = store.find(shard, request.infoHash);
    response.clear();
    if (entry === 0) {
      this.#replication?.leaving(entry, request, false, -1, this.#requester.client);
      return;
    }
    const { gatedGroups } = this.policy;
    if (gatedGroups !== undefined)
      this.#gate.leaving(gatedGroups, entry, store.swarmHash, request, this.#requester.group);
    this.#remove(shard, entry, request, false);
    if (request.hasOther) this.#remove(shard, entry, request, true);
    response.complete = store.complete(entry);
    response.incomplete = this.#incomplete(entry, false);
    store.removeIfEmpty(shard, entry);
  }

  #remove(shard: number, entry: number, request: AnnounceRequest, isOther: boolean): void {
    const address = isOther ? request.otherAddress : request.address;
    const port = isOther ? request.otherPort : request.port;
    const cell = this.#store.listCell(entry, address.family);
    const position = this.#store.list(address.family).find(cell, address.words, port);
    this.#replication?.leaving(entry, request, isOther, position, this.#requester.client);
    if (position !== -1) this.#store.removePeer(shard, entry, address.family, position);
  }

  /** The number of peers that an announce asks for, within the limits. */
  numWant(request: AnnounceRequest): number {
    const { numWant, numWantMax } = this.policy.settings;
    const wanted = request.numWant === NUM_WANT_DEFAULT ? numWant : Math.min(request.numWant, numWantMax);
    return Math.min(wanted, request.room);
  }
}
