/** The traffic of a client counts once, from whatever addresses it announces. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ANNOUNCE_EVENT } from "../model/announce.ts";
import { ACTIVITY, ACTIVITY_WIDTH } from "../store/group-activity.ts";
import { type Announced, TrackerFixture } from "./tracker-fixture.ts";

const { started, stopped } = ANNOUNCE_EVENT;
const MB = 1024 * 1024;
const IPV4 = "11.0.0.1";
const IPV6 = "2001:db8:11:1::1";

class Site extends TrackerFixture {
  /** MB that clients have received and sent: of members, or of all. */
  traffic(from = 1): number[] {
    const sum = [0, 0];
    for (let row = from * ACTIVITY_WIDTH; row < this.activity.length; row += ACTIVITY_WIDTH)
      for (const i of [0, 1]) sum[i] += this.activity[row + ACTIVITY.downloaded + i] / MB;
    return sum;
  }

  say(address: string, received: number, sent: number, fields: Announced = {}): void {
    this.clock.seconds += 10;
    this.announce(address, { client: 1, transferred: [received * MB, sent * MB], ...fields });
  }
}

describe("the traffic that a client reports", () => {
  for (const families of [{}, { 4: { onlyFamily: 4 }, 6: { onlyFamily: 6 } }] as const) {
    const [http4, http6] = "4" in families ? [families[4], families[6]] : [{}, {}];
    test(`counts once if the client announces from two addresses (${"4" in families ? "UDP" : "HTTP"})`, () => {
      const site = new Site();
      site.say(IPV4, 0, 0, { event: started, ...http4 });
      site.say(IPV6, 0, 0, { event: started, ...http6 });
      for (const [received, sent] of [
        [1, 0],
        [2, 1],
        [3, 1],
      ]) {
        site.clock.seconds += 1700;
        site.say(IPV4, received, sent, http4);
        site.say(IPV6, received, sent, http6);
      }
      assert.deepEqual(site.traffic(), [3, 1]);
      site.say(IPV4, 4, 2, { event: stopped, ...http4 });
      site.say(IPV6, 4, 2, { event: stopped, ...http6 });
      assert.deepEqual(site.traffic(), [4, 2]);
    });
  }

  test("counts only the increase when the client has moved, or its other address starts later", () => {
    const site = new Site();
    site.say(IPV4, 0, 0, { event: started });
    site.say(IPV4, 1, 0);
    site.say("12.0.0.7", 3, 1);
    site.say(IPV6, 4, 1, { event: started });
    assert.deepEqual(site.traffic(), [4, 1]);
  });

  test("counts for its peer group if its other address is in none", () => {
    for (const addresses of [
      [IPV4, "2001:db8:99::1"],
      ["2001:db8:99::1", IPV4],
    ]) {
      const site = new Site();
      for (const address of addresses) site.say(address, 0, 0, { event: started });
      for (let round = 1; round <= 3; round++) {
        site.clock.seconds += 1700;
        for (const address of addresses) site.say(address, round, 0);
      }
      assert.deepEqual(
        [site.traffic(1), site.traffic(0)],
        [
          [3, 0],
          [3, 0],
        ],
      );
      site.say(IPV4, 3, 0, { event: stopped });
      site.say("2001:db8:99::1", 4, 0);
      assert.deepEqual(site.traffic(0), [4, 0], "what is left counts when the group's address has gone");
    }
  });

  test("counts for each torrent, and for each client without an identity", () => {
    const site = new Site();
    for (const swarm of [1, 2]) site.say(IPV4, 0, 0, { swarm, left: swarm * 500, event: started });
    for (const swarm of [1, 2]) site.say(IPV4, 5, 1, { swarm });
    assert.deepEqual(site.traffic(), [10, 2]);
    for (const address of [IPV4, "11.0.0.2"]) site.say(address, 0, 0, { client: 0, event: started });
    for (const address of [IPV4, "11.0.0.2"]) site.say(address, 1, 0, { client: 0 });
    assert.deepEqual(site.traffic(), [12, 2]);
  });
});
