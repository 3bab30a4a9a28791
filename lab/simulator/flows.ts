/** Who sends to whom at what rate: what uplinks, subscribers' lines and links between networks leave to each. */
import type { SwarmPlan } from "./plan.ts";

/** Rounds in which what some could not use is given to others. */
const ROUNDS = 3;
/** Bytes a second. */
const NEGLIGIBLE = 1;

/** The flows of one step. */
export class Flows {
  count = 0;
  /** Of each flow: the peers, and bytes a second. */
  readonly from: Int32Array;
  readonly to: Int32Array;
  readonly rate: Float64Array;
  readonly #plan: SwarmPlan;
  readonly #upload: Float64Array;
  readonly #download: Float64Array;
  readonly #linkOut: Float64Array;
  readonly #linkIn: Float64Array;
  /** In a round: of each uploader its flows that can still take more; of the others bytes a second asked of them. */
  readonly #waiting: Int32Array;
  readonly #askedDownload: Float64Array;
  readonly #askedOut: Float64Array;
  readonly #askedIn: Float64Array;
  readonly #granted: Float64Array;

  constructor(plan: SwarmPlan) {
    const peers = plan.peers.length;
    const networks = plan.networks.length;
    const most = peers * plan.clients.slots;
    this.#plan = plan;
    this.from = new Int32Array(most);
    this.to = new Int32Array(most);
    this.rate = new Float64Array(most);
    this.#upload = new Float64Array(peers);
    this.#download = new Float64Array(peers);
    this.#linkOut = new Float64Array(networks);
    this.#linkIn = new Float64Array(networks);
    this.#waiting = new Int32Array(peers);
    this.#askedDownload = new Float64Array(peers);
    this.#askedOut = new Float64Array(networks);
    this.#askedIn = new Float64Array(networks);
    this.#granted = new Float64Array(most);
  }

  /** Adds a flow. An uploader has at most as many as it has slots. */
  add(from: number, to: number): void {
    this.from[this.count] = from;
    this.to[this.count++] = to;
  }

  /** Sets the rates: everybody shares its upload alike, as far as the ways leave room. */
  allocate(): void {
    const { peers, networks } = this.#plan;
    for (let flow = 0; flow < this.count; flow++) {
      const [from, to] = [this.from[flow], this.to[flow]];
      this.rate[flow] = 0;
      this.#upload[from] = peers[from].upload;
      this.#download[to] = peers[to].download;
    }
    for (const [i, { uplink }] of networks.entries()) {
      this.#linkOut[i] = uplink;
      this.#linkIn[i] = uplink;
    }
    for (let round = 0; round < ROUNDS; round++) {
      this.#ask();
      this.#grant();
    }
  }

  /** Adds up what the flows ask of every way. Of a link, what is left is the part of it that can be given. */
  #ask(): void {
    this.#askedOut.fill(0);
    this.#askedIn.fill(0);
    for (let flow = 0; flow < this.count; flow++) {
      this.#waiting[this.from[flow]] = 0;
      this.#askedDownload[this.to[flow]] = 0;
    }
    // What is open must not change between here and the end of the round.
    for (let flow = 0; flow < this.count; flow++) if (this.#isOpen(flow)) this.#waiting[this.from[flow]]++;
    for (let flow = 0; flow < this.count; flow++) {
      const share = this.#share(flow);
      const [out, into] = this.#networks(flow);
      this.#askedDownload[this.to[flow]] += share;
      if (out === into) continue;
      this.#askedOut[out] += share;
      this.#askedIn[into] += share;
    }
    for (let network = 0; network < this.#askedOut.length; network++) {
      this.#askedOut[network] = part(this.#linkOut[network], this.#askedOut[network]);
      this.#askedIn[network] = part(this.#linkIn[network], this.#askedIn[network]);
    }
  }

  /** Gives every flow as much of its share as the narrowest way allows. */
  #grant(): void {
    const granted = this.#granted;
    for (let flow = 0; flow < this.count; flow++) {
      const [out, into] = this.#networks(flow);
      const to = this.to[flow];
      const line = part(this.#download[to], this.#askedDownload[to]);
      const link = out === into ? 1 : Math.min(this.#askedOut[out], this.#askedIn[into]);
      granted[flow] = this.#share(flow) * Math.min(line, link);
    }
    for (let flow = 0; flow < this.count; flow++) {
      const [out, into] = this.#networks(flow);
      this.rate[flow] += granted[flow];
      this.#upload[this.from[flow]] -= granted[flow];
      this.#download[this.to[flow]] -= granted[flow];
      if (out === into) continue;
      this.#linkOut[out] -= granted[flow];
      this.#linkIn[into] -= granted[flow];
    }
  }

  /** What a flow would take if its uploader alone decided: nothing where its way is full. */
  #share(flow: number): number {
    return this.#isOpen(flow) ? this.#upload[this.from[flow]] / this.#waiting[this.from[flow]] : 0;
  }

  #isOpen(flow: number): boolean {
    const [out, into] = this.#networks(flow);
    if (this.#download[this.to[flow]] < NEGLIGIBLE) return false;
    return out === into || (this.#linkOut[out] >= NEGLIGIBLE && this.#linkIn[into] >= NEGLIGIBLE);
  }

  /** The networks whose links a flow takes; the same one twice for a flow that stays at home. */
  #networks(flow: number): [out: number, into: number] {
    const { peers, networks } = this.#plan;
    const [out, into] = [peers[this.from[flow]].network, peers[this.to[flow]].network];
    const { home } = networks[out];
    return home !== null && home === networks[into].home ? [out, out] : [out, into];
  }
}

/** The part of what is asked for that there is. */
function part(there: number, asked: number): number {
  return asked <= Math.max(0, there) ? 1 : Math.max(0, there) / asked;
}
