/** Torrents by size, and the largest ones. */
import type { Swarms as Answer } from "../../../src/admin/swarms.ts";
import { Mix } from "../bars.tsx";
import { tierColor } from "../colors.ts";
import { whole } from "../format.ts";
import type { SectionProps } from "../live.ts";
import { useAnswer } from "../live.ts";
import { Table } from "../table.tsx";

const EVERY_MS = 5000;

/** The section of torrents, as of the last sweep. */
export function Swarms({ status }: SectionProps) {
  const answer = useAnswer<Answer>("swarms", EVERY_MS);
  if (answer === undefined) return <p>Loading…</p>;
  const names = status.tiers.map(({ tier, outside }) => (outside ? "Outside" : `Tier ${tier}`));
  return (
    <>
      <p>
        {whole(status.swarmsWithoutNear)} of {whole(status.swarms)} have no near peer.
      </p>
      <h3>By size</h3>
      <Table
        label="Torrents by size"
        head={["Peers", "Torrents"]}
        rows={answer.sizes.map(({ upTo, swarms }) => [sizeRange(upTo), whole(swarms)])}
      />
      <h3>The largest</h3>
      <Table
        label="The largest torrents"
        head={["Info-hash", "Complete", "Incomplete", ...names, ""]}
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
    </>
  );
}

function sizeRange(upTo: number): string {
  return upTo <= 2 ? String(upTo) : `${whole(upTo / 2 + 1)} to ${whole(upTo)}`;
}
