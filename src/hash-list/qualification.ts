/**
 * Decides which torrents may be listed, with hysteresis. A torrent qualifies after every scan for a while has found
 * enough copies and peers inside. It stays until a scan finds fewer copies than `leaveComplete`, or a download inside
 * stalls.
 *
 * The while is `minDwell`, and every stall doubles it. A client that announces a copy it does not have can get a
 * torrent listed only until a subscriber needs it: then the torrent leaves, for longer each time. Each day on the
 * list without a stall halves the wait again.
 *
 * The state is in the flags of the swarm's entry (store/layout/entry.ts): it takes no memory of its own and vanishes
 * with the swarm.
 *
 *     qualified    the torrent qualifies
 *     stranded     a download inside has stalled since it qualified (set by the data plane)
 *     strikes      the number of stalls, 7 at most
 *     since        while it qualifies: since when, or since it lost a strike; while it does not: since when it has had
 *                  enough (seconds, modulo 2^20); 0: it has not
 */
import {
  flagsOf,
  isQualified,
  isStranded,
  SINCE_MAX,
  STRIKES_MAX,
  setQualification,
  sinceOf,
  strikesOf,
  wrapSince,
} from "../store/layout/entry.ts";
import type { SwarmStore } from "../store/swarm-store.ts";
import type { LocalCopies } from "./local-copies.ts";
import type { HashListSettings } from "./settings.ts";

/** Seconds on the list without a stall after which one strike is removed. */
export const STRIKE_SECONDS = 86_400;

/** The minimum of the wait after a stall, before it is doubled, and the maximum: less than 2^20 seconds. */
const WAIT = { least: 300, most: 7 * 86_400 } as const;
if (WAIT.most > SINCE_MAX) throw new RangeError("too few bits for the wait");

/** Seconds for which a torrent must have enough copies before it is listed. */
export function waitSeconds(minDwell: number, strikes: number): number {
  return strikes === 0 ? minDwell : Math.min(Math.max(minDwell, WAIT.least) * 2 ** strikes, WAIT.most);
}

/**
 * Examines a swarm, and updates its flags. The caller holds its shard.
 * @param now seconds since 1970.
 * @returns 1 if it qualifies, else 0. If it no longer qualifies: -2 if a download has stalled, else -1.
 */
export function qualify(
  store: SwarmStore,
  entry: number,
  copies: LocalCopies,
  settings: HashListSettings,
  now: number,
): 1 | 0 | -1 | -2 {
  const flags = flagsOf(store.words, entry);
  const did = isQualified(flags);
  const hasStalled = did && isStranded(flags);
  const moment = wrapSince(now) || SINCE_MAX; // a time whose bits would be 0 is stored as the second before it
  let strikes = strikesOf(flags);
  let since = sinceOf(flags);
  copies.count(entry, settings.leaveComplete);
  let qualifies = did && !hasStalled && copies.copies >= settings.leaveComplete;
  if (qualifies) {
    if (strikes > 0 && elapsed(since, now) >= STRIKE_SECONDS) {
      strikes--;
      since = moment;
    }
  } else {
    const isEnough = copies.copies >= settings.minComplete && copies.peers >= settings.minPeers;
    if (hasStalled) strikes = Math.min(strikes + 1, STRIKES_MAX);
    if (!isEnough) since = 0;
    else if (did || since === 0) since = moment;
    qualifies = isEnough && elapsed(since, now) >= waitSeconds(settings.minDwell, strikes);
    if (qualifies) since = moment;
  }
  setQualification(store.words, entry, { qualifies, strikes, since });
  if (qualifies) return 1;
  if (!did) return 0;
  return hasStalled ? -2 : -1;
}

function elapsed(since: number, now: number): number {
  return wrapSince(now - since);
}
