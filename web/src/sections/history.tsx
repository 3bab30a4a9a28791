/** What was, from the database's totals. */
import { useState } from "preact/hooks";
import type { History as Answer } from "../../../src/admin/history.ts";
import { Chart } from "../chart.tsx";
import { patchClass } from "../colors.ts";
import { percent, scaled, whole } from "../format.ts";
import { useAnswer } from "../live.ts";

const SPANS = ["day", "week", "month", "year"] as const;
const EVERY_MS = 60_000;

/** Peers given, near and outside, by hour or day. */
export function History() {
  const [span, setSpan] = useState<(typeof SPANS)[number]>("day");
  const points = useAnswer<Answer>(`history?span=${span}`, EVERY_MS)?.points ?? [];
  const sum = (what: Exclude<keyof Answer["points"][number], "start">) =>
    points.reduce((total, point) => total + point[what], 0);
  const [near, outside] = [sum("givenNear"), sum("givenOutside")];
  const share = percent(near + outside === 0 ? null : near / (near + outside));
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
      {points.length === 0 ? (
        <p>Nothing has been kept yet: totals are by the hour.</p>
      ) : (
        <Chart
          label={`Peers given in the last ${span}: ${share} of them near.`}
          times={points.map(({ start }) => start)}
          layers={[
            { label: "near", color: "--near-0", values: points.map(({ givenNear }) => givenNear) },
            { label: "outside", color: "--outside", values: points.map(({ givenOutside }) => givenOutside) },
          ]}
        />
      )}
      <p>
        <span class={patchClass("--near-0")} /> near <span class={patchClass("--outside")} /> outside.{" "}
        {whole(sum("announces"))} announces; {share} of the peers given were near; clients say they received{" "}
        {scaled(sum("downloaded"), "B")} and sent {scaled(sum("uploaded"), "B")}.
      </p>
    </>
  );
}
