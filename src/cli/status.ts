/** `btrt status`. */
import { setTimeout as delay } from "node:timers/promises";
import { styleText } from "node:util";
import type { NeighborStatus } from "../admin/panels/neighbors-panel.ts";
import type { Status } from "../admin/status.ts";
import { AdminClientError, askAdmin, findAdmin } from "./admin-client.ts";
import { formatNamedPeers } from "./neighbors.ts";
import { print, printError } from "./output.ts";

const EVERY_MS = 1000;
const CLEAR = "\x1b[H\x1b[2J";
const DIRECTIONS = { out: "from inside", in: "from outside", any: "across the border" } as const;
const UNITS = ["", "K", "M", "G", "T", "P"] as const;

/** How the state is shown. */
export interface StatusOptions {
  /** As the tracker answers it, for programs. */
  readonly json: boolean;
  /** Again and again, until interrupted. */
  readonly watch: boolean;
}

/**
 * Shows the state of the tracker that runs with a configuration.
 * @param configFile undefined: the defaults.
 * @returns the exit code: 1 when it does not answer.
 */
export async function status(
  configFile: string | undefined,
  { json, watch }: StatusOptions,
): Promise<number> {
  try {
    const admin = await findAdmin(configFile);
    for (;;) {
      const answer = (await askAdmin(admin, "status")) as Status;
      const text = json ? `${JSON.stringify(answer)}\n` : formatStatus(answer);
      const exitCode = await print(watch && !json ? CLEAR + text : text);
      if (!watch || exitCode !== 0 || process.stdout.destroyed) return exitCode;
      await delay(EVERY_MS);
    }
  } catch (error) {
    if (!(error instanceof AdminClientError)) throw error;
    printError(`btrt: ${error.message}`);
    return 1;
  }
}

/** Says the state for people to read. */
function formatStatus(status: Status): string {
  const { locality, memory, database } = status;
  const head =
    `BTRT ${status.version}, ${status.ready ? "answering" : "not answering yet"}, ` +
    `${status.engine} engine, ${status.workers} threads, up ${duration(status.uptimeSeconds)}`;
  const sections: (readonly [string, readonly string[]])[] = [
    ["Needs a person", status.warnings.map((warning) => styleText("yellow", warning))],
    [
      "Holds",
      [
        `${number(status.peers)} peers of ${number(status.peersLimit)}, in ${number(status.swarms)} torrents`,
        `${number(status.learnedPeers)} of them known only from other trackers`,
        `${number(status.swarmsWithoutNear)} torrents with nobody near`,
        `${bytes(memory.swarmBytes)}B of at most ${bytes(memory.swarmBytesLimit)}B for them, ` +
          `${bytes(memory.residentBytes)}B the whole process`,
      ],
    ],
    ["Tiers, nearest first", status.tiers.map((tier) => tierLine(tier, status))],
    ["Neighbors", status.neighbors.map(neighborLine)],
    ["Requests", status.requests.map(requestLine)],
    [
      "Refused",
      [
        ...status.refusals.map(({ text, count }) => `${number(count).padStart(12)}  ${text}`),
        ...status.limits.map(({ limit, count }) => `${number(count).padStart(12)}  limit hit: ${limit}`),
      ],
    ],
    [
      "Keeps inside",
      [
        `${percent(locality.nearShare)} of the peers given to members are near`,
        `${percent(locality.nearMissedShare)} of their answers had outside peers though there were near ones enough`,
        `${percent(locality.avoidedShare)} of the external traffic of a random choice avoided, as estimated`,
        `${bits(locality.avoidedPerSecond.downloaded)} in and ${bits(locality.avoidedPerSecond.uploaded)} out avoided now`,
      ],
    ],
    ["Hash list", hashListLines(status)],
    ["External trackers", forwardingLines(status)],
    [
      "Database",
      [
        `${database.url}: ${database.usable ? "good" : "cannot be used"}, ` +
          `${database.savedAt === null ? "nothing saved yet" : `last saved ${database.savedAt}`}`,
      ],
    ],
  ];
  const blocks = sections
    .filter(([, lines]) => lines.length > 0)
    .map(([title, lines]) => `${styleText("bold", title)}\n${lines.map((line) => `  ${line}\n`).join("")}`);
  return [`${head}\n`, ...blocks].join("\n");
}

function hashListLines({ hashList, handshakes }: Status): string[] {
  const { entries, entered, left, leftOut, excluded, dryRun, validUntil } = hashList;
  return [
    `${number(entries)} torrents that need nothing from outside${dryRun ? "; dry run, nothing is written" : ""}`,
    `${number(entered)} came and ${number(left)} left; ${number(leftOut)} beyond max_entries, ${number(excluded)} excluded`,
    `valid until ${validUntil}`,
    ...handshakes.map(
      ({ direction, seen, refused }) =>
        `${number(refused)} of ${number(seen)} handshakes ${DIRECTIONS[direction]} refused`,
    ),
  ];
}

function tierLine(tier: Status["tiers"][number], { tiers }: Status): string {
  const all = tiers.reduce((sum, { given }) => sum + given, 0);
  const whose = tier.outside ? "in no group" : tier.groups.join(", ");
  return (
    `tier ${tier.tier}  ${number(tier.ipv4).padStart(9)} IPv4 ${number(tier.ipv6).padStart(9)} IPv6  ` +
    `${percent(all === 0 ? null : tier.given / all).padStart(6)} of what is given  ${whose}`
  );
}

function neighborLine({ name, state, peers, givenShare }: NeighborStatus): string {
  const shown = state === "asked" ? state : styleText("yellow", state);
  return `${name}: ${shown}, ${number(peers.learned)} peers learned, ${percent(givenShare)} of all given`;
}

function forwardingLines({ forwarding }: Status): string[] {
  if (forwarding === null) return [];
  const { announces, unasked, joined, asked, failed, leftAlone, dropped, crowded } = forwarding;
  const { running, queued, given, near } = forwarding;
  return [
    `${number(announces)} announces forwarded; for ${number(unasked + joined)} of them none was asked`,
    `${number(asked)} asked: ${number(failed)} failed, ${number(running)} on their way, ${number(queued)} waiting`,
    `${number(leftAlone)} not sent to trackers that fail, ${number(dropped)} as too many waited, ${number(crowded)} of them of their own address`,
    formatNamedPeers(forwarding.peers),
    `${percent(given === 0 ? null : near / given)} of the peers given are near, in the place of external ones`,
    ...forwarding.trackers.map(
      ({ name, confirmed, asked, failed, state, lastFailure }) =>
        `${name}  ${number(asked)} asked, ${number(failed)} failed${lastFailure === null ? "" : ` (${lastFailure})`}` +
        `${state === "asked" ? "" : `, ${state}`}${confirmed ? "" : ", its peers for its own clients alone"}`,
    ),
  ];
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

function number(value: number): string {
  return Math.round(value).toLocaleString("en");
}

function percent(share: number | null): string {
  return share === null ? "–" : `${(100 * share).toFixed(1)} %`;
}

function bits(bytesPerSecond: number): string {
  return `${bytes(8 * bytesPerSecond)}bit/s`;
}

/** A number with the prefix of its unit, by thousands. */
function bytes(value: number): string {
  const power = Math.min(UNITS.length - 1, Math.max(0, Math.floor(Math.log10(Math.abs(value) || 1) / 3)));
  return `${(value / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${UNITS[power]}`;
}

function duration(seconds: number): string {
  const [days, hours] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3600) % 24];
  const minutes = Math.floor(seconds / 60) % 60;
  if (days > 0) return `${days} d ${hours} h`;
  return hours > 0 ? `${hours} h ${minutes} min` : `${minutes} min ${Math.floor(seconds) % 60} s`;
}
