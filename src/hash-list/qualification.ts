/**
 * Decides which torrents may be listed, with hysteresis. A torrent qualifies after every scan for a while has found
 * enough copies and peers inside. It stays until a scan finds fewer copies than `leaveComplete`, or a download inside
 * stalls.
 *
 * The while is `minDwell`, and every stall doubles it. A client that announces a copy it does not have can get a
 * torrent listed only until a subscriber needs it: then the torrent leaves, for longer each time. Each day on the
 * list without a stall halves the wait again.
 *
 * The state is in the flags of the swarm's entry (swarm-state.ts): it takes no memory of its own and vanishes with
 * the swarm.
 *
 *     bit 2         it qualifies
 *     bit 8         a download inside has stalled since it qualified (set by the data plane)
 *     bits 9-11     strikes: the number of stalls, 7 at most
 *     bits 12-31    while it qualifies: since when, or since it lost a strike; while it does not: since when it has had
 *                   enough (seconds, modulo 2^20); 0: it has not
 */
import { SWARM_FLAG } from "../store/swarm-state.ts";
import type { SwarmStore } from "../store/swarm-store.ts";
import { ENTRY } from "../store/swarm-table.ts";
import type { LocalCopies } from "./local-copies.ts";
import type { HashListSettings } from "./settings.ts";

const STRIKES_SHIFT = 9;
const STRIKES_MAX = 7;
const SINCE_SHIFT = 12;
const SINCE_MASK = 0xfffff;
const OTHER_FLAGS = 0xff - SWARM_FLAG.qualified;

/** Seconds on the list without a stall after which one strike is removed. */
export const STRIKE_SECONDS = 86_400;

/** The minimum of the wait after a stall, before it is doubled, and the maximum: less than 2^20 seconds. */
const WAIT = { least: 300, most: 7 * 86_400 } as const;

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
  const flags = store.words[entry + ENTRY.flags];
  const did = (flags & SWARM_FLAG.qualified) !== 0;
  const isStranded = did && (flags & SWARM_FLAG.stranded) !== 0;
  const moment = now & SINCE_MASK || SINCE_MASK; // a time whose bits would be 0 is stored as the second before it
  let strikes = (flags >>> STRIKES_SHIFT) & STRIKES_MAX;
  let since = flags >>> SINCE_SHIFT;
  copies.count(entry, settings.leaveComplete);
  let qualifies = did && !isStranded && copies.copies >= settings.leaveComplete;
  if (qualifies) {
    if (strikes > 0 && elapsed(since, now) >= STRIKE_SECONDS) {
      strikes--;
      since = moment;
    }
  } else {
    const isEnough = copies.copies >= settings.minComplete && copies.peers >= settings.minPeers;
    if (isStranded) strikes = Math.min(strikes + 1, STRIKES_MAX);
    if (!isEnough) since = 0;
    else if (did || since === 0) since = moment;
    qualifies = isEnough && elapsed(since, now) >= waitSeconds(settings.minDwell, strikes);
    if (qualifies) since = moment;
  }
  const noted = (qualifies ? SWARM_FLAG.qualified : 0) | (strikes << STRIKES_SHIFT) | (since << SINCE_SHIFT);
  const kept = ((flags & OTHER_FLAGS) | noted) >>> 0;
  if (kept !== flags) store.words[entry + ENTRY.flags] = kept;
  if (qualifies) return 1;
  if (!did) return 0;
  return isStranded ? -2 : -1;
}

function elapsed(since: number, now: number): number {
  return (now - since) & SINCE_MASK;
}
