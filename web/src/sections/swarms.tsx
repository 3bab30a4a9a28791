/** Torrents by size, and the largest ones. */

import type { Swarms as Answer } from "../../../src/admin/swarms.ts";
import { useAnswer } from "../answer.ts";
import { Mix } from "../bars.tsx";
import { tierColor } from "../colors.ts";
import { tierName, whole } from "../format.ts";
import type { SectionProps } from "../live.ts";
import { Table } from "../table.tsx";

const EVERY_MS = 5000;

/** Torrents by number of peers, as of the last sweep. */
export function Sizes({ status }: SectionProps) {
  const answer = useAnswer<Answer>("swarms", EVERY_MS);
  return (
    <>
      <p>
        {whole(status.swarmsWithoutNear)} of {whole(status.swarms)} torrents have no peer in a peer group.
      </p>
      {answer !== undefined && answer.sizes.length > 0 && (
        <Table
          label="Torrents by size"
          head={["Peers", "Torrents"]}
          rows={answer.sizes.map(({ upTo, swarms }) => [sizeRange(upTo), whole(swarms)])}
        />
      )}
    </>
  );
}

/** The torrents with most peers, as of the last sweep. */
export function LargestTorrents({ status }: SectionProps) {
  const answer = useAnswer<Answer>("swarms", EVERY_MS);
  if (answer === undefined) return <p>Loading…</p>;
  if (answer.largest.length === 0) return <p>There are no torrents.</p>;
  return (
    <Table
      label="The largest torrents"
      head={["Info-hash", "Complete", "Incomplete", ...status.tiers.map(tierName), ""]}
      rows={answer.largest.map(({ infoHash, complete, incomplete, peersByTier }) => [
        <a href={`#${infoHash}`}>
          <code>{infoHash}</code>
        </a>,
        whole(complete),
        whole(incomplete),
        ...peersByTier.map(whole),
        <Mix parts={peersByTier.map((value, i) => ({ value, color: tierColor(i, peersByTier.length) }))} />,
      ])}
    />
  );
}

function sizeRange(upTo: number): string {
  return upTo <= 2 ? String(upTo) : `${whole(upTo / 2 + 1)} to ${whole(upTo)}`;
}
