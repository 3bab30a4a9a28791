import assert from "node:assert/strict";
import { test } from "node:test";
import { clusterStatus, nodeStatus } from "../../test/support/cluster-status.ts";
import { type ClusterStatus, makeRefusedCounts } from "../cluster/status.ts";
import type { Logger } from "../telemetry/logger.ts";
import { ClusterJournal } from "./cluster-journal.ts";

/** Observes reports a second apart. @returns the logged lines, by report. */
function linesOf(...reports: readonly ClusterStatus[]): string[][] {
  let lines: string[] = [];
  const write = (...args: unknown[]) => void lines.push(args.map((arg) => JSON.stringify(arg)).join(" "));
  const log: Pick<Logger, "info" | "warning" | "error"> = { info: write, warning: write, error: write };
  const journal = new ClusterJournal(log);
  return reports.map((report, i) => {
    lines = [];
    journal.observe(report, 1000 * i);
    return lines;
  });
}

test("a node that joins, leaves, comes back and is restarted is logged once each", () => {
  const silent = clusterStatus({ nodes: [nodeStatus({ state: "silent" })] });
  const [alone, joined, same, left, still, back, restarted] = linesOf(
    clusterStatus({ nodes: [] }),
    clusterStatus(),
    clusterStatus(),
    silent,
    silent,
    clusterStatus(),
    clusterStatus({ nodes: [nodeStatus({ boot: 2 })] }),
  );
  assert.deepEqual(alone, [
    '{"server":"127.0.0.1:4222","serverVersion":"2.9.10"} "connected to the nats-server"',
  ]);
  assert.deepEqual(joined, ['{"node":"b","site":"main","version":"0.1.0"} "a node has joined the cluster"']);
  assert.deepEqual([same, still], [[], []]);
  assert.match(left.join(), /"a node has left the cluster/);
  assert.deepEqual(back, joined);
  assert.match(restarted.join(), /"a node has been restarted"/);
});

test("a node that does not answer is logged once", () => {
  const deaf = (unanswered: number) => clusterStatus({ nodes: [nodeStatus({ unanswered })] });
  const [, few, many, more, answers] = linesOf(deaf(0), deaf(2), deaf(3), deaf(4), deaf(0));
  assert.deepEqual([few, more, answers], [[], [], []]);
  assert.match(many.join(), /"a node does not answer/);
});

test("catching up begins and ends, for this node and for others", () => {
  const catchingUp = { from: "b", records: 10, sinceMs: 5 };
  const [, begun, ended, other, done] = linesOf(
    clusterStatus(),
    clusterStatus({ state: "catching-up", catchingUp }),
    clusterStatus(),
    clusterStatus({ nodes: [nodeStatus({ state: "catching-up" })] }),
    clusterStatus(),
  );
  assert.deepEqual(begun, ['{"from":"b"} "catching up with the cluster"']);
  assert.deepEqual(ended, ['{"milliseconds":1000} "caught up with the cluster"']);
  assert.deepEqual(other, ['{"node":"b","site":"main"} "a node is catching up"']);
  assert.deepEqual(done, ['{"node":"b","site":"main"} "a node has caught up"']);
});

test("a lost connection, a second tracker of the same name, missed records and another version are logged once", () => {
  const lost = clusterStatus({ connected: false, lastError: "ECONNREFUSED", nodes: [] });
  const [, gone, same, twice, missed, soon, newer, stillNewer] = linesOf(
    clusterStatus({ nodes: [] }),
    lost,
    lost,
    clusterStatus({ sameName: true, nodes: [nodeStatus()] }),
    clusterStatus({ sameName: true, nodes: [nodeStatus({ lost: 7 })] }),
    clusterStatus({ sameName: true, nodes: [nodeStatus({ lost: 9 })] }),
    clusterStatus({ refused: { ...makeRefusedCounts(), version: 1 } }),
    clusterStatus({ refused: { ...makeRefusedCounts(), version: 2 } }),
  );
  assert.match(gone.join(), /"reason":"ECONNREFUSED".*"the connection to the nats-server is lost/);
  assert.deepEqual(same, []);
  assert.match(twice.join("\n"), /has the name of this node/);
  assert.deepEqual(missed, ['{"node":"b","records":7} "records of a node were missed, and are fetched"']);
  assert.deepEqual(soon, [], "at most once a minute");
  assert.match(newer.join(), /another major version/);
  assert.deepEqual(stillNewer, []);
});
