/** Upstream trackers for which this one answers. */
import { whole } from "../format.ts";
import type { SectionProps } from "../live.ts";
import { Table } from "../table.tsx";

/** Forwarded announces, requests saved, and the state of each tracker. */
export function UpstreamTrackers({ status: { forwarding } }: SectionProps) {
  if (forwarding === null) return <p>No forwarder is configured (forwarded_announce).</p>;
  const { announces, unasked, joined, asked, failed, running, queued, returned, near } = forwarding;
  return (
    <>
      <dl class="facts">
        <dt>Announces forwarded</dt>
        <dd>
          {whole(announces)}; {whole(unasked + joined)} of them without a request to an upstream tracker
        </dd>
        <dt>Requests</dt>
        <dd>
          {whole(asked)}, of which {whole(failed)} failed; {whole(running)} in progress, {whole(queued)}{" "}
          waiting
        </dd>
        <dt>Near peers that replaced external ones</dt>
        <dd>
          {whole(near)} of {whole(returned)} returned
        </dd>
      </dl>
      <Table
        label="Upstream trackers with most requests"
        head={["Tracker", "Requests", "Failed", "Not sent", "State", "Last failure"]}
        rows={forwarding.trackers.map(({ name, asked, failed, backingOff, dropped, state, lastFailure }) => [
          name,
          whole(asked),
          whole(failed),
          whole(backingOff + dropped),
          state,
          lastFailure ?? "–",
        ])}
      />
    </>
  );
}
