/** When a client is asked to announce again. */
import type { AnnounceResponse } from "../model/announce.ts";
import type { Random } from "../model/random.ts";
import { bridgedInterval } from "../selection/selection-settings.ts";
import type { TrackerPolicy } from "./tracker-policy.ts";

/** Intervals differ by up to this part either way, so that clients that came together do not stay together. */
const INTERVAL_SPREAD = 0.1;

/** Sets the configured intervals. */
export function setIntervals(response: AnnounceResponse, { settings }: TrackerPolicy, random: Random): void {
  const { interval, minInterval } = settings;
  response.minInterval = minInterval;
  response.interval = Math.max(minInterval, spread(interval, random));
}

/** Asks a client that depends on bridges to announce sooner. */
export function shortenForBridges(response: AnnounceResponse, policy: TrackerPolicy, random: Random): void {
  const interval = bridgedInterval(policy.selection);
  if (interval >= policy.settings.interval) return;
  response.interval = spread(interval, random);
  response.minInterval = Math.min(response.minInterval, response.interval);
}

function spread(interval: number, random: Random): number {
  const most = Math.floor(interval * INTERVAL_SPREAD);
  return interval - most + random.below(2 * most + 1);
}
