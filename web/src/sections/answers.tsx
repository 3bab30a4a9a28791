/** Peers returned to clients by priority of their peer groups, over the last minutes. */
import { Chart } from "../chart.tsx";
import { patchClass, tierColor } from "../colors.ts";
import { percent, scaled, tierName, whole } from "../format.ts";
import type { SectionProps } from "../live.ts";
import { Table } from "../table.tsx";

/** The section of returned peers. */
export function Answers({ live, status }: SectionProps) {
  const { tiers, locality } = status;
  const all = tiers.reduce((sum, { returned }) => sum + returned, 0);
  const past = live.past.filter((then) => then.tiers.length === tiers.length);
  const layers = tiers.map((tier, i) => ({
    label: tierName(tier),
    color: tierColor(i, tiers.length),
    values: past.map((then) => then.tiers[i].returnedPerSecond),
  }));
  const shares = tiers.map((tier) => `${tierName(tier)} ${percent(all === 0 ? null : tier.returned / all)}`);
  return (
    <>
      <Chart
        label={`Peers returned per second, nearest first, the last ten minutes. Since the start: ${shares.join(", ")}.`}
        times={past.map(({ time }) => Date.parse(time) / 1000)}
        layers={layers}
        unit="/s"
      />
      <Table
        label="Peers returned, nearest first"
        head={["Peer groups", "Returned", "Share", "Now", "Peers", "Complete"]}
        rows={tiers.map((tier, i) => [
          <>
            <span class={patchClass(tierColor(i, tiers.length))} />
            <span class="wrap">{tierName(tier)}</span>
          </>,
          <span data-figure={`returned-${tier.tier}`}>{whole(tier.returned)}</span>,
          percent(all === 0 ? null : tier.returned / all),
          scaled(tier.returnedPerSecond, "/s"),
          <span data-figure={`tier-peers-${tier.tier}`}>{whole(tier.ipv4 + tier.ipv6)}</span>,
          whole(tier.complete),
        ])}
      />
      {locality.nearMissedShare !== null && (
        <p class="quiet">
          {percent(locality.nearMissedShare)} of the replies to your peer groups had outside peers although
          enough peers in peer groups existed.
        </p>
      )}
    </>
  );
}
