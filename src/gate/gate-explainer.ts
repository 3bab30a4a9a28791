/** Explains what the gate makes of one address in one swarm. For people: nothing changes by it. */
import type { Address } from "../model/address.ts";
import type { GateTables } from "./gate-tables.ts";
import type { Home } from "./homes.ts";
import { idleOf, ROLE, type SwarmState, type Verdict } from "./judge.ts";
import { COPY_WORDS } from "./swarm-records.ts";

/** An endpoint of the address in the swarm. */
interface ExplainedEndpoint {
  readonly port: number;
  /** Whether it may meet the outside in this swarm, and why. */
  readonly open: boolean;
  readonly why: string;
  /** Whether new connections from outside to it are judged by their first data: it is closed in some swarm. */
  readonly closed: boolean;
}

/** What holds for the address. */
export interface GateExplanation {
  /** The groups of its home that the gate applies to; null: it is in none. */
  readonly home: string | null;
  readonly gated: boolean;
  readonly why: string;
  readonly endpoints: ExplainedEndpoint[];
  /** Whether its handshakes of this torrent with the outside are refused. */
  readonly refused: boolean;
  /** Whether one of its endpoints is closed: its connections to outside peers that only have gated torrents are judged. */
  readonly hostClosed: boolean;
}

/** The home of the address, and why a verdict on it does not hold, beyond what the judge knows. */
interface ExplainedHome extends Home {
  readonly isExcluded: boolean;
  readonly isHeld: boolean;
  readonly isInTables: boolean;
}

const REASONS: Readonly<Record<number, string>> = {
  [ROLE.bridge]: "a bridge of its home",
  [ROLE.stalled]: "its download stalls",
  [ROLE.idle]: "it has got nothing since the announce before its last one",
  [ROLE.kept]: "it got nothing a while ago",
  [ROLE.seeder]: "a complete copy, and gate.seeders is open",
  [ROLE.learned]: "known only from another tracker",
  [ROLE.ungated]: "the torrent is not gated in its home",
  [ROLE.closed]: "its home can feed it",
};

/** Explains an address by the state of a swarm. @param home undefined if the gate does not apply to its group. */
export function explainGate(
  { verdicts, records, roles }: SwarmState,
  tables: GateTables,
  address: Address,
  home?: ExplainedHome,
): GateExplanation {
  const verdict = verdicts.find((each) => each.home === home?.id);
  const gated = verdict?.isGated === true && home?.isInTables === true;
  const { family, words } = address;
  const endpoints: ExplainedEndpoint[] = [];
  for (let i = 0; i < records.count && home !== undefined; i++) {
    const at = i * COPY_WORDS;
    if (records.families[i] !== family || words.some((word, w) => word !== records.addresses[at + w]))
      continue;
    const port = records.portAt(i);
    const role = gated ? roles[i] : ROLE.ungated;
    endpoints.push({
      port,
      open: role !== ROLE.closed,
      why: REASONS[role] ?? "",
      closed: tables.isListed(tables.addresses.find(family, words, 0, port)),
    });
  }
  return {
    home: home?.name ?? null,
    gated,
    why: home === undefined ? "the gate does not apply to its peer group" : whyGated(verdict, home),
    endpoints,
    refused: endpoints.length > 0 && endpoints.every(({ open }) => !open),
    hostClosed: tables.isListed(tables.addresses.find(family, words, 0, 0)),
  };
}

function whyGated(verdict: Verdict | undefined, home: ExplainedHome): string {
  if (verdict === undefined || verdict.leechers < 2) return "fewer than two download at its home";
  const { leechers, bridges, seeds, open } = verdict;
  const counts = `${leechers} download at home, ${bridges} bridges get on, ${open} members bring the data in, ${seeds} copies are proven, ${idleOf(verdict)} get nothing`;
  if (home.isExcluded)
    return `it is in the file of gate.exclude, or announced to an ignored tracker; ${counts}`;
  if (verdict.isGated && !home.isInTables) return `it is beyond the limits of the gate; ${counts}`;
  if (!verdict.isGated && home.isHeld) return `the gate has failed a while ago; ${counts}`;
  return counts;
}
