/**
 * The configuration: one schema that yields its type, defaults, checks, and template. Keys are spelled as in the file;
 * durations are in seconds unless a key says otherwise.
 */
import type { z } from "zod";
import { autoOr, choice, keys } from "./fields.ts";
import { gateFits, neighborsGroupsExist } from "./names.ts";
import { admin } from "./sections/admin.ts";
import { alerts } from "./sections/alerts.ts";
import { cluster } from "./sections/cluster.ts";
import { database } from "./sections/database.ts";
import { forwardedAnnounce } from "./sections/forwarded-announce.ts";
import { gate } from "./sections/gate.ts";
import { hashlist } from "./sections/hashlist.ts";
import { listen } from "./sections/listen.ts";
import { logging } from "./sections/logging.ts";
import { neighbors } from "./sections/neighbors.ts";
import { peerGroups } from "./sections/peer-groups.ts";
import { report } from "./sections/report.ts";
import { selection } from "./sections/selection.ts";
import { tracker } from "./sections/tracker.ts";

/** The whole configuration, in the order of the template. */
export const configSchema = keys(
  {
    listen: listen.describe(
      "The addresses at which clients reach the tracker, and the limits of their connections.",
    ),
    engine: choice(["auto", "uring", "node"])
      .default("auto")
      .describe(
        "The engine for sockets. uring: io_uring, for Linux. node: for every system. auto: the fastest that is available.",
      ),
    workers: autoOr(1, 256)
      .default("auto")
      .describe("Workers: threads that answer requests. auto: one per core."),
    tracker: tracker.describe("Announces, answers, and the limits of stored peers."),
    selection: selection.describe("Which peers are returned, and in which order."),
    peer_groups: peerGroups,
    neighbors,
    forwarded_announce: forwardedAnnounce.describe(
      "Announces for other trackers (upstream trackers) that the network forwards here.",
    ),
    hashlist: hashlist.describe(
      "The list of torrents that are fully available inside the network, so that their outside connections can be refused.",
    ),
    gate: gate.describe(
      "The gate: routers refuse the connections of subscribers to the outside that their home can do without.",
    ),
    cluster,
    database: database.describe("The database, so that torrents and peers survive a restart."),
    logging: logging.describe("The log."),
    report: report.describe("The monthly report of avoided external traffic: its price."),
    alerts: alerts.describe("Alerts: the warnings of the status page, sent by a webhook or by mail."),
    admin: admin.describe("The admin listener, for the status page, JSON and metrics."),
  },
  neighborsGroupsExist(),
  gateFits(),
);

/** A configuration as read: complete, checked, addresses and prefixes parsed. */
export type Config = z.output<typeof configSchema>;
