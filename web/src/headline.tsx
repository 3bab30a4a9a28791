/** The headline: overall health and the main figures. */
import { useEffect } from "preact/hooks";
import { bitRate, moment, percent, scaled, whole } from "./format.ts";
import type { SectionProps } from "./live.ts";

function Figure({ name, value, label }: { name: string; value: string; label: string }) {
  return (
    <div class="figure">
      <dt>{label}</dt>
      <dd data-figure={name}>{value}</dd>
    </div>
  );
}

/** The health, the figures and the warnings. If the figures are old, the health says so. */
export function Headline({ live, status, savings }: SectionProps) {
  const { locality, warnings } = status;
  const well = status.ready && warnings.length === 0 && live.problem === undefined;
  const health = live.problem ?? (well ? "Healthy" : status.ready ? "Needs attention" : "Not answering yet");
  const { downloaded, uploaded } = locality.avoidedPerSecond;
  const announced = status.peers - status.learnedPeers;
  const learned =
    status.learnedPeers > 0 ? `; ${whole(status.learnedPeers)} more learned from other trackers` : "";
  useEffect(() => {
    document.title = `${well ? "●" : "▲"} ${status.hostName} – BTRT`;
  }, [well, status.hostName]);
  return (
    <header>
      <div class="title">
        <h1>
          {status.hostName} <small>BTRT {status.version}</small>
        </h1>
        <p class={well ? "health well" : "health"} role="status">
          {health}
        </p>
        {live.heardAt !== undefined && (
          <p class="quiet updated">
            Last update <time dateTime={live.heardAt.toISOString()}>{moment(live.heardAt)}</time>
          </p>
        )}
      </div>
      <dl class="figures">
        <Figure
          name="avoided"
          value={percent(savings.share)}
          label={`of external traffic avoided, last ${savings.span} (estimate)`}
        />
        <Figure name="avoided-in" value={bitRate(downloaded)} label="incoming traffic avoided now" />
        <Figure name="avoided-out" value={bitRate(uploaded)} label="outgoing traffic avoided now" />
        <Figure name="peers" value={whole(announced)} label={`peers${learned}`} />
        <Figure name="swarms" value={whole(status.swarms)} label="torrents" />
        <Figure
          name="near"
          value={percent(locality.nearShare)}
          label="of the peers returned to your peer groups are in peer groups"
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
