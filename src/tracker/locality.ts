import { COUNTER } from "../model/counters.ts";
import type { Requester } from "../selection/requester.ts";

/** Counts members' announces, and those that got outside peers although the swarm had enough near ones. */
export function countLocality(who: Requester, counters: Float64Array): void {
  counters[COUNTER.memberAnnounces]++;
  if (who.returnedOutside > 0 && who.candidates - who.candidatesOutside >= who.returned)
    counters[COUNTER.nearMissed]++;
}
