/** The real gate (src/gate), and a router that applies it at once. */
import { Gate, roundMs } from "../../src/gate/gate.ts";
import { parseAddress } from "../../src/model/address-text.ts";
import type { PeerGroupsData } from "../../src/network/peer-groups.ts";
import type { SelectionSettings } from "../../src/selection/policy.ts";
import { KeyedHash } from "../../src/store/keyed-hash.ts";
import type { SwarmStore } from "../../src/store/swarm-store.ts";
import { AccessList, buildAccessList } from "../../src/tracker/access-list.ts";

/** The defaults of btrt.conf. */
const LIMITS = { maxTorrents: 200_000, maxEndpoints: 1_000_000 } as const;

/** What the gate is made of. */
export interface SimulatedGateOptions {
  /** With counts of endpoints. */
  readonly store: SwarmStore;
  readonly groups: PeerGroupsData;
  readonly selection: SelectionSettings;
  /** Seconds between the announces of a seeder. */
  readonly interval: number;
  readonly clock: { readonly seconds: number };
}

/** The gate of one simulated tracker. */
export class SimulatedGate {
  readonly #gate: Gate;
  readonly #clock: { readonly seconds: number };
  readonly #roundSeconds: number;
  #roundAt = 0;
  /** By peer: its addresses and info-hashes whose handshakes are refused. */
  readonly #refused = new Map<number, Set<string>>();
  #cut = new Set<number>();

  constructor({ store, groups, selection, interval, clock }: SimulatedGateOptions) {
    this.#clock = clock;
    this.#roundSeconds = roundMs(selection) / 1000;
    const pairs = store.traffic.refusedPairs;
    if (pairs !== undefined) pairs.areEnforced = true;
    const { home, stallSeconds } = selection;
    this.#gate = new Gate({
      store,
      hash: new KeyedHash(3, 4),
      settings: {
        enabled: true,
        groups: groups.groups.map(({ name }) => name),
        seeders: "closed",
        exclude: new AccessList(buildAccessList("deny", new Uint32Array(0))),
        ...LIMITS,
        home,
        stallSeconds,
        interval,
      },
      groups,
      tracker: "simulated",
      now: () => clock.seconds,
    });
  }

  /** Takes a task of the tracker. @param infoHash its bytes. */
  request(infoHash: Uint8Array): void {
    this.#gate.request(infoHash);
  }

  /** The peers whose connections have been cut since the last call. */
  takeCut(): ReadonlySet<number> {
    const cut = this.#cut;
    this.#cut = new Set();
    return cut;
  }

  /** Does what is due. @param isScan whether all swarms are looked at. */
  settle(isScan = false): void {
    const { seconds } = this.#clock;
    const isDue = isScan || seconds >= this.#roundAt;
    if (isDue) this.#roundAt = seconds + this.#roundSeconds;
    this.#gate.settle(isDue);
    const { add, remove, cut } = this.#gate.watch.tables.takeChanges();
    for (const endpoint of cut) this.#cut.add(peerOf(endpoint));
    for (const pair of remove.refused ?? []) this.#refused.get(peerOf(pair))?.delete(pair);
    for (const pair of add.refused ?? []) {
      const peer = peerOf(pair);
      const pairs = this.#refused.get(peer) ?? new Set();
      this.#refused.set(peer, pairs.add(pair));
    }
  }

  /** Whether a peer may not meet the outside. @param records its addresses times its info-hashes. */
  isClosed(peer: number, records: number): boolean {
    return (this.#refused.get(peer)?.size ?? 0) >= records;
  }
}

/** The peer of a pair of address and info-hash: the number in the last three bytes of its address, less one. */
function peerOf(pair: string): number {
  const { family, words } = parseAddress(pair.split(" ")[0]);
  return (words[family === 4 ? 0 : 3] & 0xffffff) - 1;
}
