/** Checks that the sources of peer groups can be read. */
import { readSources } from "../prefix-sources.ts";
import { type Finding, ok, type Subject, warning } from "./finding.ts";

/** Reads each source once. The tracker reads it with its own user and limits. */
export async function checkPrefixSources({ loaded: { prefixSources } }: Subject): Promise<Finding[]> {
  const readings = await readSources(prefixSources);
  return readings.map(({ group, isRead, text, isTooSmall }) => {
    const named = `"${group}": ${text}`;
    if (!isRead) return warning(named, "correct peer_groups[].source, or what it reads");
    if (!isTooSmall) return ok(named);
    return warning(
      `${named}; at most half of the copy`,
      'find out why; "btrt status" shows how to confirm them',
    );
  });
}
