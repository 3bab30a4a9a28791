/**
 * Which torrents may be listed, with hysteresis: one qualifies when at every look for `minDwell` seconds it had enough
 * copies and peers inside, and does so until a look finds fewer copies than `leaveComplete`. What must be remembered of
 * a torrent is kept in its swarm's entry, in the flags (swarm-state.ts), so that it takes no memory of its own and goes
 * with the swarm:
 *
 *     bit 2         it qualifies
 *     bits 8–31     while it does not: since when it has had enough (seconds, modulo 2^24); 0: it has not
 */
import { SWARM_FLAG } from "../tracker/swarm-state.ts";
import type { SwarmStore } from "../tracker/swarm-store.ts";
import { ENTRY } from "../tracker/swarm-table.ts";
import type { LocalCopies } from "./local-copies.ts";
import type { HashListSettings } from "./settings.ts";

const SINCE_SHIFT = 8;
const SINCE_MASK = 0xffffff;
const OTHER_FLAGS = (1 << SINCE_SHIFT) - 1 - SWARM_FLAG.qualified;

/**
 * Looks at a swarm, and notes what follows. The caller holds its shard.
 * @param now seconds since 1970.
 * @returns whether it qualifies; -1 when it did until now, and does not any more.
 */
export function qualify(
  store: SwarmStore,
  entry: number,
  copies: LocalCopies,
  settings: HashListSettings,
  now: number,
): 1 | 0 | -1 {
  const flags = store.words[entry + ENTRY.flags];
  const did = (flags & SWARM_FLAG.qualified) !== 0;
  copies.count(entry, settings.leaveComplete);
  if (did && copies.copies >= settings.leaveComplete) return 1;
  const isEnough = copies.copies >= settings.minComplete && copies.peers >= settings.minPeers;
  // A moment whose 24 bits are 0 is noted as the second before it.
  const since = isEnough ? flags >>> SINCE_SHIFT || now & SINCE_MASK || SINCE_MASK : 0;
  const qualifies = isEnough && ((now - since) & SINCE_MASK) >= settings.minDwell;
  const kept = (flags & OTHER_FLAGS) | (qualifies ? SWARM_FLAG.qualified : since << SINCE_SHIFT);
  if (kept >>> 0 !== flags) store.words[entry + ENTRY.flags] = kept;
  if (qualifies) return 1;
  return did ? -1 : 0;
}
