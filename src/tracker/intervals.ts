/** The intervals after which a client announces again. */
import type { AnnounceResponse } from "../model/announce.ts";
import type { Random } from "../model/random.ts";
import type { TrackerPolicy } from "./tracker-policy.ts";

/** Intervals vary by up to this part, up and down. So clients that started together do not keep announcing together. */
const INTERVAL_SPREAD = 0.1;

/** Sets the configured intervals. */
export function setIntervals(response: AnnounceResponse, { settings }: TrackerPolicy, random: Random): void {
  const { interval, minInterval } = settings;
  response.minInterval = minInterval;
  response.interval = Math.max(minInterval, spread(interval, random));
}

/** Asks a client to announce again after `interval` seconds, if that is sooner. */
export function shortenInterval(
  response: AnnounceResponse,
  { settings }: TrackerPolicy,
  interval: number,
  random: Random,
): void {
  if (interval >= settings.interval) return;
  response.interval = spread(interval, random);
  response.minInterval = Math.min(response.minInterval, response.interval);
}

function spread(interval: number, random: Random): number {
  const most = Math.floor(interval * INTERVAL_SPREAD);
  return interval - most + random.below(2 * most + 1);
}
