/** Torrents fully available inside the network, and the handshakes refused for them. */
import { moment, percent, whole } from "../format.ts";
import type { SectionProps } from "../live.ts";

const DIRECTIONS = { out: "from inside", in: "from outside", any: "across the border" } as const;

/** The section of the hash list, with handshakes if they are counted. */
export function HashList({ status: { hashList, handshakes } }: SectionProps) {
  return (
    <dl class="facts">
      <dt>Torrents listed</dt>
      <dd>
        <span data-figure="hashlist-entries">{whole(hashList.entries)}</span>, which have enough complete
        copies inside
        {hashList.dryRun && "; a dry run: nothing is written"}
      </dd>
      <dt>Since the start</dt>
      <dd>
        {whole(hashList.entered)} added, {whole(hashList.left)} removed; {whole(hashList.leftOut)} are beyond
        max_entries, {whole(hashList.excluded)} excluded
      </dd>
      <dt>Valid until</dt>
      <dd>{moment(hashList.validUntil)}</dd>
      {handshakes.map(({ direction, seen, refused }) => [
        <dt key={direction}>Handshakes {DIRECTIONS[direction]}</dt>,
        <dd key={`${direction} counts`}>
          {whole(refused)} refused of {whole(seen)}, {percent(seen === 0 ? null : refused / seen)}
        </dd>,
      ])}
    </dl>
  );
}
