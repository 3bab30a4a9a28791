/** The sections of the page, in order. A new section is a file and a line here. */
import type { ComponentType } from "preact";
import type { SectionProps } from "./live.ts";
import { Answers } from "./sections/answers.tsx";
import { Cluster } from "./sections/cluster.tsx";
import { Database } from "./sections/database.tsx";
import { Explain } from "./sections/explain.tsx";
import { Gate } from "./sections/gate.tsx";
import { Groups } from "./sections/groups.tsx";
import { HashList } from "./sections/hash-list.tsx";
import { Neighbors } from "./sections/neighbors.tsx";
import { PrefixSources } from "./sections/prefix-sources.tsx";
import { Refusals } from "./sections/refusals.tsx";
import { Requests } from "./sections/requests.tsx";
import { Savings } from "./sections/savings.tsx";
import { LargestTorrents, Sizes } from "./sections/swarms.tsx";
import { UpstreamTrackers } from "./sections/upstream-trackers.tsx";

/** A section. */
interface PageSection {
  /** Its anchor in the page's URL. Links to it may have been kept, so it does not change. */
  readonly id: string;
  readonly title: string;
  readonly Section: ComponentType<SectionProps>;
  /** Whether it has addresses or torrents, which the monitoring token does not open. */
  readonly needsFullAccess?: true;
}

/** All sections. */
export const SECTIONS: readonly PageSection[] = [
  { id: "savings", title: "External traffic avoided", Section: Savings },
  { id: "returned", title: "Peers returned", Section: Answers },
  { id: "requests", title: "Requests", Section: Requests },
  { id: "groups", title: "Peer groups", Section: Groups, needsFullAccess: true },
  { id: "sizes", title: "Torrents by size", Section: Sizes, needsFullAccess: true },
  { id: "explain", title: "Peers for an address, and why", Section: Explain, needsFullAccess: true },
  { id: "hash-list", title: "Torrents fully available inside", Section: HashList },
  { id: "gate", title: "Gate on the routers", Section: Gate },
  { id: "torrents", title: "Largest torrents", Section: LargestTorrents, needsFullAccess: true },
  { id: "neighbors", title: "Neighbors", Section: Neighbors },
  { id: "trackers", title: "Upstream trackers", Section: UpstreamTrackers },
  { id: "cluster", title: "Cluster", Section: Cluster },
  { id: "prefix-sources", title: "Prefix sources", Section: PrefixSources },
  { id: "refused", title: "Refused", Section: Refusals },
  { id: "database", title: "Database and memory", Section: Database },
];
