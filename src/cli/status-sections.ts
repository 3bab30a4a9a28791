/** The sections of `btrt status`, in order. A new one is a line here. */
import { styleText } from "node:util";
import type { NeighborStatus } from "../admin/panels/neighbors-panel.ts";
import type { Status } from "../admin/status.ts";
import { clusterLines } from "./cluster.ts";
import { formatNamedPeers } from "./neighbors.ts";
import { bits, bytes, number, percent } from "./quantities.ts";

const DIRECTIONS = { out: "from inside", in: "from outside", any: "across the border" } as const;

/** A section. Sections without lines are omitted. */
interface StatusSection {
  readonly title: string;
  readonly lines: (status: Status) => readonly string[];
}

/** All sections. */
export const STATUS_SECTIONS: readonly StatusSection[] = [
  { title: "Needs attention", lines: warningLines },
  { title: "Store", lines: storeLines },
  { title: "Tiers, nearest first", lines: (status) => status.tiers.map((tier) => tierLine(tier, status)) },
  { title: "Neighbors", lines: ({ neighbors }) => neighbors.map(neighborLine) },
  { title: "Requests", lines: ({ requests }) => requests.map(requestLine) },
  { title: "Refused", lines: refusalLines },
  { title: "Keeps inside", lines: localityLines },
  { title: "Hash list", lines: hashListLines },
  { title: "Gate", lines: gateLines },
  { title: "Cluster", lines: clusterLines },
  { title: "Upstream trackers", lines: forwardingLines },
  { title: "Prefix sources", lines: prefixSourceLines },
  { title: "Database", lines: databaseLines },
];

function warningLines({ warnings }: Status): string[] {
  return warnings.map((warning) => styleText("yellow", warning));
}

function storeLines(status: Status): string[] {
  const { memory } = status;
  return [
    `${number(status.peers)} peers of ${number(status.peersLimit)}, in ${number(status.swarms)} torrents`,
    `${number(status.learnedPeers)} of them known only from other trackers`,
    `${number(status.swarmsWithoutNear)} torrents without a near peer`,
    `${bytes(memory.swarmBytes)}B of at most ${bytes(memory.swarmBytesLimit)}B for them, ` +
      `${bytes(memory.residentBytes)}B the whole process`,
  ];
}

function tierLine(tier: Status["tiers"][number], { tiers }: Status): string {
  const all = tiers.reduce((sum, { returned }) => sum + returned, 0);
  const whose = tier.outside ? "in no group" : tier.groups.join(", ");
  return (
    `tier ${tier.tier}  ${number(tier.ipv4).padStart(9)} IPv4 ${number(tier.ipv6).padStart(9)} IPv6  ` +
    `${percent(all === 0 ? null : tier.returned / all).padStart(6)} of peers returned  ${whose}`
  );
}

function neighborLine({ name, state, peers, returnedShare, dominates }: NeighborStatus): string {
  const shown = state === "asked" ? state : styleText("yellow", state);
  const share = `${percent(returnedShare)} of all returned`;
  return `${name}: ${shown}, ${number(peers.learned)} peers learned, ${dominates ? styleText("yellow", share) : share}`;
}

function requestLine({
  protocol,
  kind,
  family,
  outcome,
  count,
  perSecond,
}: Status["requests"][number]): string {
  const what = `${protocol} ${kind} ${family}`.padEnd(18);
  return `${what} ${outcome.padEnd(11)} ${perSecond.toFixed(1).padStart(9)}/s  ${number(count).padStart(12)} in all`;
}

function refusalLines({ refusals, limits }: Status): string[] {
  return [
    ...refusals.map(({ text, count }) => `${number(count).padStart(12)}  ${text}`),
    ...limits.map(({ limit, count }) => `${number(count).padStart(12)}  limit hit: ${limit}`),
  ];
}

function localityLines({ locality, patience }: Status): string[] {
  const { nearShare, nearMissedShare, avoidedShare, avoidedPerSecond } = locality;
  return [
    `${percent(nearShare)} of the peers returned to members are near`,
    `${percent(nearMissedShare)} of their replies had outside peers although enough near ones existed`,
    `${percent(avoidedShare)} of the external traffic of a random selection avoided (estimate)`,
    `${bits(avoidedPerSecond.downloaded)} in and ${bits(avoidedPerSecond.uploaded)} out avoided now`,
    ...(patience === null ? [] : [patienceLine(patience)]),
  ];
}

function patienceLine({ wanted, measured, control }: NonNullable<Status["patience"]>): string {
  const result =
    measured === null
      ? `not measured yet: ${number(control)} downloads to compare with`
      : measured.toFixed(2);
  return `limited downloads may take ${wanted} times as long; measured: ${result}`;
}

function hashListLines({ hashList, handshakes }: Status): string[] {
  const { entries, entered, left, leftOut, excluded, dryRun, validUntil } = hashList;
  return [
    `${number(entries)} torrents fully available inside${dryRun ? "; dry run, nothing is written" : ""}`,
    `${number(entered)} added and ${number(left)} removed; ${number(leftOut)} beyond max_entries, ${number(excluded)} excluded`,
    `valid until ${validUntil}`,
    ...handshakes.map(
      ({ direction, seen, refused }) =>
        `${number(refused)} of ${number(seen)} handshakes ${DIRECTIONS[direction]} refused`,
    ),
  ];
}

function gateLines({ gate }: Status): string[] {
  if (gate === null) return [];
  const { torrents, closed, refused, hosts, far, leftOut, excluded, large, failed, rescued } = gate;
  const reasons = {
    handshake: "handshakes",
    endpoint: "connections to closed endpoints",
    far: "to known outside peers",
  };
  return [
    `${number(torrents)} torrents gated; ${number(leftOut)} beyond the limits, ${number(excluded)} excluded, ${number(large)} too large`,
    `${number(closed)} endpoints closed, ${number(hosts)} addresses closed, ${number(refused)} pairs of address and torrent, ${number(far)} outside endpoints`,
    `${number(failed)} torrents opened as their source was lost, ${number(rescued)} times a subscriber as the download got nothing`,
    ...gate.refusals.map(
      (each) =>
        `${number(each.refused)} of ${number(each.seen)} ${reasons[each.reason]} ${DIRECTIONS[each.direction]} refused` +
        (each.onlyCounted > 0 ? `, ${number(each.onlyCounted)} only counted` : ""),
    ),
    `${number(gate.exempted)} times a subscriber exempted by a router`,
    `${number(gate.followers)} routers follow, version ${number(gate.version)}`,
    ...gate.routers.map(({ router, version, countOnly, reportedAt, isStale }) => {
      const line = `${router}: version ${number(version)}, ${countOnly ? "only counts" : "refuses"}, last report ${reportedAt}`;
      return isStale ? styleText("yellow", line) : line;
    }),
  ];
}

function forwardingLines({ forwarding }: Status): string[] {
  if (forwarding === null) return [];
  const { announces, unasked, joined, asked, failed, backingOff, dropped, crowded } = forwarding;
  const { running, queued, returned, near } = forwarding;
  return [
    `${number(announces)} announces forwarded, ${number(unasked + joined)} of them without a request upstream`,
    `${number(asked)} requests: ${number(failed)} failed, ${number(running)} in progress, ${number(queued)} waiting`,
    `${number(backingOff)} not sent to failing trackers, ${number(dropped)} dropped from the full queue, ${number(crowded)} of them at the limit of their address`,
    formatNamedPeers(forwarding.peers),
    `${percent(returned === 0 ? null : near / returned)} of the peers returned are near, and replace external ones`,
    ...forwarding.trackers.map(
      ({ name, confirmed, asked, failed, state, lastFailure }) =>
        `${name}  ${number(asked)} requests, ${number(failed)} failed${lastFailure === null ? "" : ` (${lastFailure})`}` +
        `${state === "asked" ? "" : `, ${state}`}${confirmed ? "" : ", its peers only for its own clients"}`,
    ),
  ];
}

function prefixSourceLines({ prefixSources }: Status): string[] {
  return prefixSources.map(({ group, prefixes, readAt, failure, held }) => {
    const read =
      readAt === null ? "not read since the start" : `${number(prefixes)} prefixes, read ${readAt}`;
    const state = held ? "to be confirmed" : failure;
    return `${group}: ${read}${state === null ? "" : `, ${styleText("yellow", state)}`}`;
  });
}

function databaseLines({ database: { url, usable, savedAt } }: Status): string[] {
  const saved = savedAt === null ? "nothing saved yet" : `last saved ${savedAt}`;
  return [`${url}: ${usable ? "available" : "unavailable"}, ${saved}`];
}
