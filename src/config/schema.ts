/**
 * The configuration: one schema that yields its type, defaults, checks, and template. Keys are spelled as in the file;
 * durations are in seconds unless a key says otherwise.
 */
import type { z } from "zod";
import { autoOr, choice, keys } from "./fields.ts";
import { neighborsGroupsExist } from "./names.ts";
import { admin } from "./sections/admin.ts";
import { database } from "./sections/database.ts";
import { forwardedAnnounce } from "./sections/forwarded-announce.ts";
import { hashlist } from "./sections/hashlist.ts";
import { listen } from "./sections/listen.ts";
import { logging } from "./sections/logging.ts";
import { neighbors, neighborsWait } from "./sections/neighbors.ts";
import { peerGroups } from "./sections/peer-groups.ts";
import { selection } from "./sections/selection.ts";
import { tracker } from "./sections/tracker.ts";

/** The whole configuration, in the order of the template. */
export const configSchema = keys(
  {
    listen: listen.describe("Where clients reach the tracker."),
    engine: choice(["auto", "uring", "node"])
      .default("auto")
      .describe(
        "How bytes are moved. uring: io_uring, on Linux. node: everywhere. auto: the fastest that works here.",
      ),
    workers: autoOr(1, 256)
      .default("auto")
      .describe("Threads that answer. auto: as many as there are cores."),
    tracker: tracker.describe("Announcing and answering."),
    selection: selection.describe("Which peers an answer holds, and in what order."),
    peer_groups: peerGroups,
    neighbors,
    neighbors_wait: neighborsWait,
    forwarded_announce: forwardedAnnounce.describe(
      "Announces to external trackers that a DPI box sends here instead.",
    ),
    hashlist: hashlist.describe(
      "The list of torrents with so many complete copies inside that connections to the outside can be refused.",
    ),
    database: database.describe("Where swarms are kept, so that they survive a restart."),
    logging: logging.describe("The log."),
    admin: admin.describe("Status, metrics and the page that shows them."),
  },
  neighborsGroupsExist(),
);

/** A configuration as read: complete, checked, addresses and prefixes parsed. */
export type Config = z.output<typeof configSchema>;
