/** The command `btrt explain`. */

import { styleText } from "node:util";
import type { AnswerExplanation } from "../admin/explain.ts";
import { formatHostPort } from "../model/address-text.ts";
import { askAdmin, findAdmin, reportingAdminErrors } from "./admin-client.ts";
import { print } from "./output.ts";

/** The query. */
export interface ExplainOptions {
  readonly infoHash: string;
  readonly address: string;
  readonly numwant?: string;
  readonly json?: boolean;
}

/**
 * Shows the reply that an address would get now, and why.
 * @param configFile undefined for the defaults.
 * @returns the exit code: 1 if there is no explanation.
 */
export async function explain(configFile: string | undefined, options: ExplainOptions): Promise<number> {
  const { infoHash, address, numwant, json } = options;
  const query = new URLSearchParams({ info_hash: infoHash, address, ...(numwant && { numwant }) });
  return await reportingAdminErrors(async () => {
    const answer = (await askAdmin(await findAdmin(configFile), `explain?${query}`)) as AnswerExplanation;
    return await print(json ? `${JSON.stringify(answer)}\n` : formatExplanation(answer));
  });
}

/** What a router does with a connection that may be of a gated torrent (gate/router/chains.ts). */
const JUDGED = "refused, unless they begin with an unencrypted handshake of a torrent that is not refused";

function gateLines({
  home,
  gated,
  why,
  endpoints,
  refused,
  hostClosed,
}: NonNullable<AnswerExplanation["gate"]>) {
  if (home === null) return [why];
  return [
    `${gated ? "gated" : "not gated"} in ${home}: ${why}`,
    ...endpoints.map(
      (each) =>
        `port ${each.port}  ${each.open ? "open" : "closed"} in this torrent: ${each.why}; ` +
        `new connections from outside are ${each.closed ? JUDGED : "let through"}`,
    ),
    `handshakes of this torrent with the outside are ${refused ? "refused" : "let through"}`,
    `new connections to outside peers of gated torrents are ${hostClosed ? JUDGED : "let through"}`,
  ];
}

/** Formats an explanation for people. */
function formatExplanation(answer: AnswerExplanation): string {
  const role = answer.seeder ? "a complete copy" : "a leecher";
  const known = answer.known
    ? `is in this torrent, ${role}`
    : "is not in this torrent: treated as a new leecher";
  const marks = [
    answer.poll && "a tracker",
    answer.bridge && "a bridge of its home",
    answer.stalled && "stalled",
  ].filter(Boolean);
  const whose = (group: string | null, prefix: string | null) =>
    group === null ? "in no group" : `${group}${prefix === null ? "" : ` (${prefix})`}`;
  const peers = answer.peers.map(
    ({ address, port, tier, group, prefix }) =>
      `tier ${tier}  ${formatHostPort({ host: address, port })}  ${whose(group, prefix)}`,
  );
  const runs = answer.runs.map(({ tier, family, group, peers, reason, ...is }) => {
    const kind = [
      is.learned && "learned",
      is.bridge && "bridges",
      is.complete ? "complete" : "incomplete",
      is.private && "private",
    ];
    return `tier ${tier}  ${peers} ${family} ${kind.filter(Boolean).join(", ")}, ${group ?? "in no group"}: ${reason}`;
  });
  const gate = answer.gate === null ? [] : gateLines(answer.gate);
  const blocks: (readonly [string, readonly string[]])[] = [
    [`The answer, by policy ${answer.policy}: ${peers.length} of at most ${answer.numWant} peers`, peers],
    ["All peers, and why they are returned or not", runs],
    ...(answer.gate === null ? [] : [["The gate", gate] as const]),
  ];
  return [
    `${answer.address}, ${whose(answer.group, answer.prefix)}, ${[known, ...marks].join(", ")}\n`,
    ...blocks.map(
      ([title, lines]) => `${styleText("bold", title)}\n${lines.map((line) => `  ${line}\n`).join("")}`,
    ),
  ].join("\n");
}
