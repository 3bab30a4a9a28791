/** A policy for workers that tests start. */

import type { PolicyData } from "../../src/data-plane/protocol.ts";
import { ADDRESS_LIMIT_MAX, buildPeerGroups } from "../../src/network/peer-groups.ts";
import { parsePrefix } from "../../src/network/prefix.ts";
import { buildPrefixTable } from "../../src/network/prefix-table.ts";
import { buildAccessList } from "../../src/tracker/access-list.ts";

/** @param prefixes of the only peer group. */
export function makePolicy(...prefixes: string[]): PolicyData {
  const group = { name: "home", priority: 0, reachableFrom: [] };
  return {
    settings: { interval: 1800, minInterval: 900, numWant: 50, numWantMax: 200, countLearned: false },
    selection: {
      policy: "nearest",
      home: "groups",
      strangers: "nearest",
      stallSeconds: 600,
      patience: 1.1,
    },
    copies: { minDwell: 600, tiers: 1 },
    peerExpiry: 3900,
    groups: buildPeerGroups(
      [{ ...group, prefixes: prefixes.map((text) => parsePrefix(text).prefix) }],
      undefined,
      ADDRESS_LIMIT_MAX,
    ),
    accessList: buildAccessList("off", new Uint32Array(0)),
    polls: { addresses: buildPrefixTable([]), peerIds: new Uint32Array(0) },
    refreshSeconds: 0,
    refreshWaitMs: 0,
    trustedProxies: buildPrefixTable([]),
    ipParameter: buildPrefixTable([]),
    forwarding: undefined,
    gatedGroups: undefined,
  };
}
