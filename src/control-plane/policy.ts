/** Builds the workers' policy from the configuration. */
import type { LoadedConfig } from "../config/load.ts";
import type { Config } from "../config/schema.ts";
import type { ForwardingData, PolicyData } from "../data-plane/protocol.ts";
import { gatedGroups } from "../gate/settings.ts";
import { literalPeerId } from "../neighbors/announce-template.ts";
import { buildPeerGroups, GROUP_IDS, type PeerGroupsData } from "../network/peer-groups.ts";
import { buildPrefixSet, buildPrefixTable } from "../network/prefix-table.ts";
import { machineHosts } from "../platform/machine.ts";
import { FORWARDER } from "../services/forwarded-service.ts";
import { buildAccessList } from "../tracker/access-list.ts";
import { peerIdWords } from "../tracker/polls.ts";
import { MODE } from "../wire/host-rules.ts";

/** The peer_id in the manual of the original retracker. Its requests have it. */
const ORIGINAL_PEER_ID = "0123456789012345678A";

/** @param previous the groups in force: groups that remain keep their numbers, which stored peers refer to. */
export function buildPolicy(loaded: LoadedConfig, previous?: PeerGroupsData): PolicyData {
  const { hashlist, listen, neighbors, selection, tracker, forwarded_announce: forwarded } = loaded.config;
  const groups = buildPeerGroups(loaded.groups, previous, tracker.max_peers_per_address);
  const asked = neighbors.filter(({ enabled }) => enabled);
  return {
    settings: {
      interval: tracker.interval,
      minInterval: tracker.min_interval,
      numWant: tracker.numwant,
      numWantMax: tracker.numwant_max,
      countLearned: tracker.count_learned_peers,
    },
    selection: {
      policy: selection.policy,
      home: selection.home,
      strangers: selection.strangers,
      stallSeconds: selection.stall_seconds,
      patience: selection.patience,
    },
    copies: { minDwell: hashlist.min_dwell, tiers: hashlist.tiers },
    peerExpiry: tracker.peer_expiry,
    groups,
    accessList: buildAccessList(tracker.access_list.mode, loaded.accessList),
    polls: {
      addresses: buildPrefixSet(neighbors.flatMap(({ source }) => source)),
      peerIds: pollPeerIds(neighbors),
    },
    refreshWaitMs: Math.round(tracker.neighbors_wait * 1000),
    refreshSeconds:
      asked.length === 0 ? 0 : Math.min(...asked.map(({ refresh_interval }) => refresh_interval)),
    trustedProxies: buildPrefixSet([...listen.trusted_proxies, ...forwarded.sources]),
    ipParameter: buildPrefixSet(tracker.ip_parameter),
    forwarding: buildForwarding(forwarded),
    gatedGroups: buildGatedGroups(groups, loaded.config.gate),
  };
}

/** Returns undefined if the gate is off: nothing is done for it then. */
function buildGatedGroups(groups: PeerGroupsData, gate: Config["gate"]): PolicyData["gatedGroups"] {
  const ids = gatedGroups(groups, gate);
  if (ids.length === 0) return undefined;
  const isGated = new Uint8Array(new SharedArrayBuffer(GROUP_IDS));
  for (const id of ids) isGated[id] = 1;
  return isGated;
}

/** Returns undefined if no address may forward announces: requests are not checked for it then. */
function buildForwarding(config: Config["forwarded_announce"]): ForwardingData | undefined {
  const { sources, clients, own_hosts, trackers, timeout } = config;
  if (sources.length + clients.length === 0) return undefined;
  return {
    forwarders: buildPrefixTable([
      ...clients.map((prefix) => ({ prefix, value: FORWARDER.client })),
      ...sources.map((prefix) => ({ prefix, value: FORWARDER.source })),
    ]),
    hosts: {
      ours: [...new Set([...own_hosts, ...machineHosts()].map((host) => host.toLowerCase()))],
      modes: Object.entries(trackers).map(([pattern, mode]) => [pattern, MODE[mode]]),
    },
    timeoutMs: timeout * 1000,
  };
}

/** The peer_ids that identify requests of other trackers: the original's, and those in our announce templates. */
function pollPeerIds(neighbors: Config["neighbors"]): Uint32Array {
  const literal = neighbors.map(({ announce_request }) => literalPeerId(announce_request));
  const ids = new Set([ORIGINAL_PEER_ID, ...literal].filter((id) => id !== undefined));
  return Uint32Array.from([...ids].flatMap((id) => [...peerIdWords(id)]));
}
