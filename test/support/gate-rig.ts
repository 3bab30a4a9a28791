/** A tracker with a gate beside it: announces in, lists out. The clock is the test's. */
import { Gate } from "../../src/gate/gate.ts";
import type { GateExplanation } from "../../src/gate/gate-explainer.ts";
import { GATE_LISTS, type GateList } from "../../src/gate/protocol.ts";
import type { GateSettings } from "../../src/gate/settings.ts";
import { COPY_WORDS, SwarmRecords } from "../../src/gate/swarm-records.ts";
import { Address } from "../../src/model/address.ts";
import { formatAddress, parseAddress } from "../../src/model/address-text.ts";
import { GROUP_IDS, NO_GROUP } from "../../src/network/peer-groups.ts";
import { KeyedHash } from "../../src/store/keyed-hash.ts";
import { allocateSwarmStore, type SwarmStoreData } from "../../src/store/store-memory.ts";
import { AccessList, buildAccessList } from "../../src/tracker/access-list.ts";
import {
  type Announced,
  groupsDataOf,
  TEST_GROUPS,
  TrackerFixture,
} from "../../src/tracker/tracker-fixture.ts";

/** Settings of a gate that applies to the groups of the nearest tier: "home" and "region" of the fixture. */
export const GATE_SETTINGS: GateSettings = {
  enabled: true,
  groups: [],
  seeders: "closed",
  exclude: new AccessList(buildAccessList("deny", new Uint32Array(0))),
  maxTorrents: 1000,
  maxEndpoints: 10_000,
  home: "groups",
  stallSeconds: 600,
  interval: 1800,
};

/** See above. */
export class GateRig {
  readonly store: SwarmStoreData = allocateSwarmStore(10_000, 2, [1, 2], true);
  readonly fixture: TrackerFixture;
  readonly gate: Gate;
  /** Tasks that the tracker has pushed. */
  tasks = 0;
  /** Endpoints whose connections were cut by the last announce or round. */
  cut: readonly string[] = [];

  constructor(settings: Partial<GateSettings> = {}) {
    const groups = groupsDataOf(TEST_GROUPS);
    const gatedGroups = new Uint8Array(GROUP_IDS);
    for (const { id, tier } of groups.groups) gatedGroups[id] = tier === 0 ? 1 : 0;
    const { home = "groups", stallSeconds = 600 } = settings;
    this.fixture = new TrackerFixture({
      store: this.store,
      gatedGroups,
      selection: { policy: "bridged", bridges: 1, home, stallSeconds },
      tasks: {
        push: (_kind, _token, bytes, start, end) => {
          this.tasks++;
          this.gate.request(bytes.slice(start, end));
          return true;
        },
      },
    });
    this.gate = new Gate({
      store: this.fixture.store,
      hash: new KeyedHash(3, 4),
      settings: { ...GATE_SETTINGS, ...settings },
      groups,
      tracker: "rig",
      now: () => this.fixture.clock.seconds,
    });
  }

  /** An announce, and what the gate makes of it at once. */
  announce(address: string, fields: Announced = {}): void {
    this.fixture.announce(address, { client: clientOf(address), ...fields });
    this.gate.settle(false);
    this.publish();
  }

  /** Time goes by. @param isRound whether a round and a scan happen at the end. */
  pass(seconds: number, isRound = true): void {
    this.fixture.clock.seconds += seconds;
    if (isRound) this.round();
  }

  /** A round over all gated swarms, and a scan of all. */
  round(): void {
    this.gate.settle(true);
    this.publish();
  }

  /** Evaluates all endpoints, as a round does, and looks at no swarm. */
  sweep(): void {
    this.gate.watch.tables.sweep(0, Number.POSITIVE_INFINITY);
    this.publish();
  }

  /** The endpoints outside of a swarm. */
  outside(swarm: number): string[] {
    const { groups, store } = this.fixture;
    const records = new SwarmRecords();
    records.read(store, Uint32Array.of(swarm, 0, 0, 0, 0));
    const address = new Address();
    const found: string[] = [];
    for (let i = 0; i < records.count; i++) {
      address.setIPv4(records.addresses[i * COPY_WORDS]);
      if (groups.groupOf(address) === NO_GROUP) found.push(`${formatAddress(address)} ${records.portAt(i)}`);
    }
    return found;
  }

  /** What the gate makes of an address in a swarm. */
  explain(address: string, swarm: number): GateExplanation | undefined {
    const parsed = parseAddress(address);
    const { groups, clock } = this.fixture;
    const infoHash = Uint32Array.of(swarm, 0, 0, 0, 0);
    const found = this.gate.watch.explain(infoHash, parsed, groups.groupOf(parsed), clock.seconds);
    if (found === "busy") throw new Error("the shard is locked");
    return found;
  }

  publish(): void {
    this.cut = this.gate.watch.tables.takeChanges().cut;
  }

  /** The elements of a list, in order. */
  list(list: GateList): string[] {
    return [...this.gate.watch.tables.texts.sent(list, 1000)].flat().sort();
  }

  lists(): Record<GateList, string[]> {
    const [refused, closed, hosts, far] = GATE_LISTS.map((list) => this.list(list));
    return { refused, closed, hosts, far };
  }
}

/** Different clients have different addresses here. */
function clientOf(address: string): number {
  return [...address].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) >>> 0, 7);
}
