/** What needs a person, as it follows from the state. */
import { COUNTER } from "../model/counters.ts";
import { countsOf } from "../tracker/store-memory.ts";
import { type Rates, TRAFFIC_WINDOW } from "./rates.ts";
import type { DatabaseReplacement, Sources } from "./sources.ts";

/** A tracker with this part of `max_peers` is nearly full. */
const NEARLY_FULL = 0.9;

/** Says in a sentence each what a person should look at, the most urgent first. */
export function findWarnings(sources: Sources, rates: Rates): string[] {
  const warnings: string[] = [];
  const grew = (counter: number) => rates.within(TRAFFIC_WINDOW)((then) => then.counters[counter]) > 0;
  const { failingSince, failure, lastReplacement } = sources.database();
  const { peers } = countsOf(sources.store);
  if (failingSince !== null)
    warnings.push(
      `The database cannot be used since ${new Date(failingSince).toISOString()}: nothing is saved. Announces go on.${failure === null ? "" : ` Why: ${failure}`}`,
    );
  if (lastReplacement !== null) warnings.push(explainReplacement(lastReplacement));
  if (sources.hashList.state().failing)
    warnings.push(
      "The hash list cannot be written: its readers let everything through soon. The log says why.",
    );
  if (grew(COUNTER.peersRefused))
    warnings.push("The tracker is full: new peers are answered, but not stored. Raise tracker.max_peers.");
  else if (peers > NEARLY_FULL * sources.store.maxPeers)
    warnings.push("The tracker is nearly full. Raise tracker.max_peers.");
  if (grew(COUNTER.connectionsRefused))
    warnings.push("Connections are refused: there are too many. Raise listen.max_connections.");
  if (grew(COUNTER.acceptFailures))
    warnings.push("Connections cannot be accepted: there are no file descriptors left. Raise LimitNOFILE.");
  const deaths = sources.deaths();
  if (deaths > 0)
    warnings.push(
      `Data-plane threads have died since the start, and were replaced: ${deaths}. The log says of what.`,
    );
  for (const { file, writtenAt, isStale } of sources.hashList.state().counterFiles) {
    if (!isStale) continue;
    const since = writtenAt === 0 ? "" : ` since ${new Date(writtenAt).toISOString()}`;
    warnings.push(`There are no new counts of handshakes in ${file}${since}: see who writes it.`);
  }
  for (const { name, state, lastFailure } of sources.neighbors()) {
    if (state !== "closed")
      warnings.push(`The neighbor "${name}" does not answer (${lastFailure}): its peers are not learned.`);
  }
  if (sources.policy().definitions.length === 0)
    warnings.push(
      "There are no peer groups: all peers are equally near, and nothing is kept inside. Set peer_groups.",
    );
  return [...warnings, ...sources.notices()];
}

function explainReplacement({ at, reason, swarms, totals, keptAs }: DatabaseReplacement): string {
  const kept = keptAs === null ? "" : ` What was there is ${keptAs}.`;
  return (
    `The database's file was replaced at ${new Date(at).toISOString()} (${reason}). The new one has ${swarms} torrents ` +
    `and ${totals} totals of the old one, and what is in memory.${kept}`
  );
}
