/** The headline: overall health and the main figures. */
import { bitRate, percent, scaled, whole } from "./format.ts";
import type { Live, Status } from "./live.ts";

function Figure({ name, value, label }: { name: string; value: string; label: string }) {
  return (
    <div class="figure">
      <dt>{label}</dt>
      <dd data-figure={name}>{value}</dd>
    </div>
  );
}

/** @param live tells whether the figures are up to date. */
export function Headline({ live, status }: { live: Live; status: Status }) {
  const { locality, warnings } = status;
  const well = status.ready && warnings.length === 0 && live.problem === undefined;
  const avoided = locality.avoidedPerSecond.downloaded + locality.avoidedPerSecond.uploaded;
  return (
    <header>
      <div class="title">
        <h1>
          BTRT <small>{status.version}</small>
        </h1>
        <p class={well ? "health well" : "health"} role="status">
          {live.problem ?? (well ? "Healthy" : status.ready ? "Needs attention" : "Not answering yet")}
        </p>
      </div>
      <dl class="figures">
        <Figure
          name="avoided"
          value={percent(locality.avoidedShare)}
          label="of external traffic avoided (estimate)"
        />
        <Figure name="avoided-rate" value={bitRate(avoided)} label="avoided now" />
        <Figure name="peers" value={whole(status.peers)} label="peers" />
        <Figure name="swarms" value={whole(status.swarms)} label="torrents" />
        <Figure
          name="near"
          value={percent(locality.nearShare)}
          label="of peers returned to members are near"
        />
        <Figure name="rate" value={scaled(status.requestsPerSecond, "/s")} label="requests" />
      </dl>
      {warnings.length > 0 && (
        <ul class="warnings">
          {warnings.map((warning) => (
            <li key={warning}>{warning}</li>
          ))}
        </ul>
      )}
    </header>
  );
}
