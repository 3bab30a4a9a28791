/** The sections of the page, in order. A new section is a file and a line here. */
import type { ComponentType } from "preact";
import type { SectionProps } from "./live.ts";
import { Answers } from "./sections/answers.tsx";
import { Database } from "./sections/database.tsx";
import { Explain } from "./sections/explain.tsx";
import { Groups } from "./sections/groups.tsx";
import { HashList } from "./sections/hash-list.tsx";
import { Neighbors } from "./sections/neighbors.tsx";
import { Refusals } from "./sections/refusals.tsx";
import { Requests } from "./sections/requests.tsx";
import { Savings } from "./sections/savings.tsx";
import { Swarms } from "./sections/swarms.tsx";
import { UpstreamTrackers } from "./sections/upstream-trackers.tsx";

/** All sections. */
export const SECTIONS: readonly { readonly title: string; readonly Section: ComponentType<SectionProps> }[] =
  [
    { title: "What is saved", Section: Savings },
    { title: "Peers returned, by tier", Section: Answers },
    { title: "Requests", Section: Requests },
    { title: "Peer groups", Section: Groups },
    { title: "Torrents", Section: Swarms },
    { title: "Peers for an address, and why", Section: Explain },
    { title: "Torrents fully available inside", Section: HashList },
    { title: "Neighbors", Section: Neighbors },
    { title: "Upstream trackers", Section: UpstreamTrackers },
    { title: "Refused", Section: Refusals },
    { title: "Database and memory", Section: Database },
  ];
