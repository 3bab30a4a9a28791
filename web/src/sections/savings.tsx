/** Savings since the start, and over time from the database's totals. */
import { useState } from "preact/hooks";
import type { History } from "../../../src/admin/history.ts";
import { Bars } from "../bars.tsx";
import { Chart } from "../chart.tsx";
import { patchClass } from "../colors.ts";
import { percent, scaled, whole } from "../format.ts";
import type { SectionProps, Status } from "../live.ts";
import { useAnswer } from "../live.ts";

const SPANS = ["hour", "day", "week", "month", "year"] as const;
const EVERY_MS = 20_000;

/** External traffic, compared with that of a random selection. */
export function Savings({ status }: SectionProps) {
  const { outside, random, reported } = status.locality;
  return (
    <>
      {sum(random) > 0 && (
        <Bars
          label="External traffic since the start"
          unit="B"
          bars={[
            { label: "with random selection", value: sum(random), color: "--quiet" },
            { label: "with BTRT", value: sum(outside), color: "--outside" },
          ]}
        />
      )}
      <OverTime />
      <p class="quiet">
        An estimate. Members of peer groups report {scaled(sum(reported), "B")} received and sent since the
        start. The share of outside peers in their replies is counted as external; for a random selection, the
        share among all peers of the torrent. Traffic with peers that clients know from other sources is not
        included.
      </p>
    </>
  );
}

function sum({ downloaded, uploaded }: Status["locality"]["random"]): number {
  return downloaded + uploaded;
}

function OverTime() {
  const [span, setSpan] = useState<(typeof SPANS)[number]>("hour");
  const history = useAnswer<History>(`history?span=${span}`, EVERY_MS);
  return (
    <>
      <fieldset>
        <legend>The last</legend>
        {SPANS.map((each) => (
          <label key={each}>
            <input type="radio" name="span" checked={each === span} onChange={() => setSpan(each)} />
            {each}
          </label>
        ))}
      </fieldset>
      {history === undefined || history.points.length === 0 ? (
        <p>No data has been saved yet.</p>
      ) : (
        <Charts span={span} history={history} />
      )}
    </>
  );
}

function Charts({ span, history: { stepSeconds, points } }: { span: string; history: History }) {
  const times = points.map(({ start }) => start);
  const total = (what: (point: History["points"][number]) => number) =>
    points.reduce((all, point) => all + what(point), 0);
  const random = total((point) => point.random);
  const avoided = random - total(({ outside }) => outside);
  const near = total(({ returnedNear }) => returnedNear);
  const returned = near + total(({ returnedOutside }) => returnedOutside);
  const handshakes = total((point) => point.handshakesSeen);
  const share = percent(random === 0 ? null : avoided / random);
  const bitsPerSecond = (bytes: number) => (8 * bytes) / stepSeconds;
  return (
    <div class="savings">
      <p>
        <strong>{scaled(Math.max(0, avoided), "B")}</strong> of external traffic avoided, {share} of what it
        with random selection. <Legend color="--near-0" name="avoided" />{" "}
        <Legend color="--outside" name="external" />
      </p>
      <Chart
        label={`External traffic of the last ${span}: ${share} avoided.`}
        times={times}
        layers={[
          {
            label: "external",
            color: "--outside",
            values: points.map((point) => bitsPerSecond(point.outside)),
          },
          {
            label: "avoided",
            color: "--near-0",
            values: points.map((point) => bitsPerSecond(Math.max(0, point.random - point.outside))),
          },
        ]}
        unit="bit/s"
        stepSeconds={stepSeconds}
      />
      <p>
        {percent(returned === 0 ? null : near / returned)} of the peers returned were in peer groups.{" "}
        <Legend color="--near-0" name="near" /> <Legend color="--outside" name="outside" />
      </p>
      <Chart
        label={`Peers returned in the last ${span}, near and outside.`}
        times={times}
        layers={[
          {
            label: "near",
            color: "--near-0",
            values: points.map(({ returnedNear }) => returnedNear / stepSeconds),
          },
          {
            label: "outside",
            color: "--outside",
            values: points.map(({ returnedOutside }) => returnedOutside / stepSeconds),
          },
        ]}
        unit="/s"
        stepSeconds={stepSeconds}
      />
      {handshakes > 0 && (
        <p>
          {whole(total((point) => point.handshakesRefused))} of {whole(handshakes)} BitTorrent handshakes
          across the border refused.
        </p>
      )}
    </div>
  );
}

function Legend({ color, name }: { color: string; name: string }) {
  return (
    <span class="legend">
      <span class={patchClass(color)} />
      {name}
    </span>
  );
}
