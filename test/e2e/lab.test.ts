import assert from "node:assert/strict";
import { test } from "node:test";
import { run } from "../../lab/run.ts";
import type { Scenario } from "../../lab/scenario.ts";
import { toolsMissing } from "../tools.ts";
import { ip } from "./bed.ts";
import { namespacesMissing } from "./networks.ts";

const SMALL: Scenario = {
  name: "small",
  about: "Two clients at home, the seeder outside",
  networks: [
    { name: "home", priority: 0, uplinkMbit: 50, crews: [{ clients: 2 }] },
    { name: "outside", crews: [{ clients: 1, seed: true }] },
  ],
  megabytes: 2,
};

const skip = toolsMissing(["iproute2", "nftables", "python3-libtorrent"]) || namespacesMissing();

test("the lab counts what enters a home, and leaves nothing behind", { skip, timeout: 30_000 }, async () => {
  const result = await run({ scenario: SMALL, tracker: "nearest", repetition: 1 });
  assert.equal(result.unfinished, 0);
  assert.equal(result.seconds.length, 2);
  assert.equal(result.homes.length, 1);
  const { copiesIn, copiesOut } = result.homes[0];
  assert.ok(
    copiesIn > 0.98 && copiesIn < 2.1,
    `${copiesIn} copies, for two clients at least one and at most two`,
  );
  assert.ok(copiesOut < 0.05, `${copiesOut} copies went to a seeder`);
  assert.ok(!ip("netns", "list").includes(`btrt-lab-${process.pid}-`));
});
