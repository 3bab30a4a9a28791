/** The state of the database, and memory use. */
import { duration, moment, scaled, whole } from "../format.ts";
import type { SectionProps } from "../live.ts";

/** The section of database and memory. */
export function Database({ status }: SectionProps) {
  const { database, memory } = status;
  const saved =
    database.savedAt === null
      ? "not yet"
      : `${moment(database.savedAt)}, in ${database.saveSeconds.toFixed(1)} s`;
  return (
    <dl class="facts">
      <dt>Database</dt>
      <dd>
        {database.url}: {database.usable ? "available" : "unavailable"}
      </dd>
      <dt>Last saved</dt>
      <dd>
        {saved}; {whole(database.failures)} failures
      </dd>
      <dt>Memory for torrents</dt>
      <dd>
        {scaled(memory.swarmBytes, "B")} of at most {scaled(memory.swarmBytesLimit, "B")}; the whole process{" "}
        {scaled(memory.residentBytes, "B")}
      </dd>
      <dt>Runs</dt>
      <dd>
        {status.engine} engine, {status.workers} workers, for {duration(status.uptimeSeconds)}
      </dd>
    </dl>
  );
}
