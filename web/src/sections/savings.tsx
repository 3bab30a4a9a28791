/** What is saved: since the start, and over time from the database's totals. */
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

/** External traffic as it is, and as it would be at random. */
export function Savings({ status }: SectionProps) {
  const { outside, random, reported } = status.locality;
  return (
    <>
      {sum(random) > 0 && (
        <Bars
          label="External traffic since the start"
          unit="B"
          bars={[
            { label: "with a random choice", value: sum(random), color: "--quiet" },
            { label: "with BTRT", value: sum(outside), color: "--outside" },
          ]}
        />
      )}
      <OverTime />
      <p class="quiet">
        An estimate. Members of peer groups say they have received and sent {scaled(sum(reported), "B")} since
        the start; as much of it is taken to be external as there were outside peers in the answers they had,
        and for a random choice as there are among all peers of the torrent. What clients get from peers they
        know from elsewhere it cannot see.
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
        <p>Nothing has been kept of it yet.</p>
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
  const near = total(({ givenNear }) => givenNear);
  const given = near + total(({ givenOutside }) => givenOutside);
  const handshakes = total((point) => point.handshakesSeen);
  const share = percent(random === 0 ? null : avoided / random);
  const bitsPerSecond = (bytes: number) => (8 * bytes) / stepSeconds;
  return (
    <div class="savings">
      <p>
        <strong>{scaled(Math.max(0, avoided), "B")}</strong> of external traffic avoided, {share} of what it
        would have been at random. <Legend color="--near-0" name="avoided" />{" "}
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
        {percent(given === 0 ? null : near / given)} of the peers given were in peer groups.{" "}
        <Legend color="--near-0" name="near" /> <Legend color="--outside" name="outside" />
      </p>
      <Chart
        label={`Peers given in the last ${span}, near and outside.`}
        times={times}
        layers={[
          {
            label: "near",
            color: "--near-0",
            values: points.map(({ givenNear }) => givenNear / stepSeconds),
          },
          {
            label: "outside",
            color: "--outside",
            values: points.map(({ givenOutside }) => givenOutside / stepSeconds),
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
