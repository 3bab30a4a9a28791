import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { bdecode } from "../../test/support/bencode.ts";
import {
  ForwardingRig,
  get,
  HASH,
  NOW,
  QUERY,
  REDIRECTED,
  SOURCE,
} from "../../test/support/forwarding-rig.ts";
import { formatAddress } from "../model/address-text.ts";
import { ANNOUNCE_EVENT } from "../model/announce.ts";
import { COUNTER } from "../model/counters.ts";
import { packLearned } from "../store/layout/peer.ts";
import { TASK } from "../tasks/task-queue.ts";
import type { UpstreamReply } from "../tasks/upstream-reply.ts";

let rig: ForwardingRig;

beforeEach(() => {
  rig = new ForwardingRig();
});

const decoded = ({ body }: { body: string }) => Object(bdecode(Buffer.from(body, "latin1")));

describe("the forms of a forwarded announce", () => {
  const original = `http://tracker.example:6969/ann?${QUERY}`;

  it("are all understood, with every escape as it was", () => {
    const forms = [
      get(`/forwarded_announce?url=${encodeURIComponent(original)}`, "Host: retracker.local"),
      get(`/forwarded_announce/ann?${QUERY}`, "Host: tracker.example:6969"),
      get(original),
      get(original, "Host: retracker.local"),
      get(`/ann?${QUERY}`, "Host:  tracker.example:6969 "),
    ];
    for (const form of forms) {
      const { url, client, task } = rig.forward(form);
      assert.equal(url, original);
      assert.equal(client, SOURCE);
      assert.equal(formatAddress(task.address), SOURCE);
      assert.equal(task.port, 6881);
      assert.equal(
        Buffer.from(new Uint8Array(Uint32Array.from(task.infoHash).buffer)).toString("hex"),
        "aa".repeat(20),
      );
    }
  });

  it("may be for trackers of other protocols", () => {
    for (const url of [`https://t.example/a?${QUERY}`, `udp://t.example:80/announce?${QUERY}`])
      assert.equal(rig.forward(get(`/forwarded_announce?url=${encodeURIComponent(url)}`)).url, url);
    assert.equal(rig.forward(get(`https://t.example/a?${QUERY}`)).url, `https://t.example/a?${QUERY}`);
  });

  it("carry the client's User-Agent", () => {
    const { task } = rig.forward(get(original, "User-Agent:  Client/1.0 "));
    assert.equal(task.userAgent, "Client/1.0");
    assert.equal(rig.forward(get(original, `User-Agent: ${"x".repeat(257)}`)).task.userAgent, "");
  });

  it("are nothing special from anybody else", () => {
    const stranger = "203.0.113.5";
    const notFound = rig.forward(get(`/forwarded_announce?url=${encodeURIComponent(original)}`), stranger);
    assert.equal(notFound.connection.replies[0].status, 404);
    assert.equal(
      rig.forward(get(`/ann?${QUERY}`, "Host: tracker.example"), stranger).connection.replies[0].status,
      404,
    );
    const ordinary = rig.forward(get(`/announce?${QUERY}`, "Host: tracker.example"), stranger);
    assert.equal(ordinary.connection.replies[0].status, 200);
    assert.deepEqual([ordinary.client, ordinary.task], [stranger, undefined]);
  });

  it("for our own names are ordinary announces", () => {
    for (const host of ["Host: retracker.local", "Host: RETRACKER.local:80"]) {
      const { connection, task } = rig.forward(get(`/announce?${QUERY}`, host));
      assert.deepEqual([connection.replies[0].status, task], [200, undefined]);
    }
    assert.equal(rig.forward(`GET /announce?${QUERY} HTTP/1.0\r\n\r\n`).task, undefined, "without a Host");
  });

  it("for what is no URL of a tracker are refused", () => {
    const bad = [
      "",
      "x",
      "http://",
      "ftp://h/a",
      `http://user@h/a?${QUERY}`,
      `http://h/a?${QUERY}\r\nX: y`,
      `http://h/a#${QUERY}`,
    ];
    for (const url of bad) {
      const { connection, task } = rig.forward(get(`/forwarded_announce?url=${encodeURIComponent(url)}`));
      assert.deepEqual([connection.replies[0].status, task], [400, undefined], url);
    }
    const twice = `url=${encodeURIComponent(original)}&url=${encodeURIComponent(original)}`;
    assert.equal(rig.forward(get(`/forwarded_announce?${twice}`)).connection.replies[0].status, 400);
    assert.equal(rig.forward(get("/forwarded_announce")).connection.replies[0].status, 400);
    assert.equal(
      rig.forward(get(`/forwarded_announce/a?${QUERY}`)).connection.replies[0].status,
      400,
      "no Host",
    );
    assert.equal(
      rig.forward(get(`/a?${QUERY}`, "Host: u@tracker.example")).connection.replies[0].status,
      400,
    );
  });

  it("that are no announces are told what is wrong, and go nowhere", () => {
    for (const query of [
      "",
      "port=1",
      HASH,
      `${HASH}&port=0`,
      `${HASH}&${QUERY}`,
      "info_hash=short&port=1",
    ]) {
      const { connection, task } = rig.forward(get(`/ann?${query}`, "Host: tracker.example"));
      assert.match(String(decoded(connection.replies[0])["failure reason"]), /info_hash|port/);
      assert.equal(task, undefined);
    }
  });

  it("for ignored trackers are sent back", () => {
    const { connection, task } = rig.forward(get(`/ann?${QUERY}`, "Host: t.ignored.example"));
    assert.deepEqual([connection.replies[0].status, task, rig.tracker.seen], [421, undefined, []]);
  });

  it("for ignored trackers are noted for the gate, if it is on", () => {
    const noting = new ForwardingRig(true);
    const connection = noting.connect();
    connection.receive(get(`/ann?${QUERY}`, "Host: t.ignored.example"));
    assert.equal(connection.replies[0].status, 421);
    const [[kind, bytes], ...more] = noting.taskBytes();
    assert.deepEqual([kind, bytes.length, more], [TASK.ungate, 40, []]);
    connection.receive(get("/ann?info_hash=x", "Host: t.ignored.example"));
    assert.deepEqual(noting.taskBytes(), []);
  });
});

describe("whose a forwarded announce is", () => {
  const ann = `/ann?${QUERY}`;
  const host = "Host: tracker.example";

  it("is whom the source says, by header", () => {
    assert.equal(rig.forward(get(ann, host, "X-Forwarded-For: 203.0.113.7")).client, "203.0.113.7");
    assert.equal(rig.forward(get(ann, host, "Forwarded: for=203.0.113.8")).client, "203.0.113.8");
    assert.equal(
      rig.forward(get(`${ann}&ip=203.0.113.1`, host, "X-Forwarded-For: 203.0.113.7")).client,
      "203.0.113.7",
    );
  });

  it("is whom the source says, by PROXY protocol, for the whole connection", () => {
    const connection = rig.connect();
    connection.receive(`PROXY TCP4 203.0.113.9 192.0.2.80 4711 80\r\n${get(`${ann}&ip=203.0.113.1`, host)}`);
    connection.resume();
    connection.receive(get(ann.replace("6881", "6882"), host));
    assert.deepEqual(
      rig.tasks().map(({ address, port }) => [formatAddress(address), port]),
      [
        ["203.0.113.9", 6881],
        ["203.0.113.9", 6882],
      ],
    );
    const other = rig.connect("192.0.2.1");
    other.receive(`PROXY TCP4 203.0.113.9 192.0.2.80 4711 80\r\n${get(ann, host)}`);
    assert.equal(other.replies[0].status, 404, "a proxy that is trusted, but is no source");
  });

  it("is whom the source says, by ip=, when it says nothing else", () => {
    assert.equal(rig.forward(get(`${ann}&ip=203.0.113.1`, host)).client, "203.0.113.1");
    const url = encodeURIComponent(`http://tracker.example${ann}&ip=203.0.113.2`);
    assert.equal(rig.forward(get(`/forwarded_announce?url=${url}&ip=203.0.113.3`)).client, "203.0.113.3");
    assert.equal(rig.forward(get(`/forwarded_announce?url=${url}`)).client, "203.0.113.2");
  });

  it("is the socket's when the client is redirected here itself, whatever it says", () => {
    const { client, url } = rig.forward(
      get(`${ann}&ip=203.0.113.1`, host, "X-Forwarded-For: 203.0.113.7"),
      REDIRECTED,
    );
    assert.equal(client, REDIRECTED);
    assert.equal(url, `http://tracker.example${ann}&ip=203.0.113.1`);
  });

  it("is nobody's when two headers disagree", () => {
    const { connection } = rig.forward(
      get(ann, host, "X-Forwarded-For: 203.0.113.7", "Forwarded: for=203.0.113.8"),
    );
    assert.equal(connection.replies[0].status, 400);
  });
});

describe("whether the upstream tracker is asked, and waited for", () => {
  const announce = (more = "", host = "tracker.example") => get(`/ann?${QUERY}${more}`, `Host: ${host}`);
  const knowSwarm = (due: number, interval = 0) => {
    const [task] = rig.tasks();
    rig.times.set(...task.swarm, due, interval);
    rig.times.set(...task.client, due, interval);
    return task;
  };

  it("waits for the first answer about a swarm, and is registered meanwhile", () => {
    const connection = rig.connect();
    connection.receive(announce("&event=started"));
    const [task] = rig.tasks();
    assert.deepEqual([connection.deferMs, connection.replies.length, rig.tracker.seen.length], [3000, 0, 1]);
    assert.deepEqual([task.token, task.event], [connection.token, ANNOUNCE_EVENT.started]);
    rig.tracker.known = 2;
    connection.resume();
    assert.deepEqual([connection.replies.length, rig.tracker.seen.length], [1, 1]);
    assert.equal(decoded(connection.replies[0]).peers.length, 6);
    assert.deepEqual(rig.tasks(), [], "it is not asked again");
  });

  it("answers at once, but asks, where enough peers are known", () => {
    rig.tracker.known = 100;
    const { connection, task } = rig.forward(announce());
    assert.deepEqual([connection.replies.length, task.token], [1, 0]);
  });

  it("answers at once when it may not wait, and counts that", () => {
    const connection = rig.connect();
    connection.mayDefer = false;
    connection.receive(announce());
    assert.deepEqual([connection.replies.length, rig.tasks()[0].token], [1, 0]);
    assert.equal(rig.counters[COUNTER.waitsRefused], 1);
  });

  it("does not ask before it is due for swarm or client, and neither waits when it is", () => {
    rig.forward(announce());
    rig.connect().receive(announce());
    knowSwarm(NOW + 1, 900);
    const early = rig.forward(announce());
    assert.deepEqual([early.connection.replies.length, early.task], [1, undefined]);
    assert.equal(decoded(early.connection.replies[0]).interval, 900, "the tracker's own, being shorter");
    assert.equal(rig.counters[COUNTER.forwardedUnasked], 1);
    const { task } = rig.forward(announce("&event=completed"));
    assert.equal(task.token, 0, "events always are");
    rig.times.set(...task.swarm, NOW, 900, packLearned(200, NOW + 900));
    rig.times.set(...task.client, NOW + 1, 900);
    assert.equal(rig.forward(announce()).task.token, 0, "stale, while there are too few peers");
    rig.tracker.known = 100;
    assert.equal(rig.forward(announce()).task, undefined, "stale, but there are enough");
    rig.times.set(...task.client, NOW, 0);
    assert.equal(rig.forward(announce()).task.token, 0, "due for the client");
  });

  it("leaves the tracker alone for a client that it told to, and for no other", () => {
    const first = rig.forward(announce());
    rig.times.set(...first.task.client, NOW + 600, 0);
    const again = rig.forward(announce());
    assert.deepEqual([again.task, again.connection.replies.length], [undefined, 1]);
    assert.equal(decoded(again.connection.replies[0]).interval, 1800, "it need not hurry either");
    const news = rig.forward(announce("&event=started"));
    assert.deepEqual([news.task.token, news.connection.replies.length], [0, 1], "but news is passed on");
    const other = rig.forward(announce(), REDIRECTED);
    assert.deepEqual([other.task.token !== 0, other.connection.replies.length], [true, 0], "others wait");
    rig.times.set(...first.task.client, NOW, 0);
    assert.notEqual(rig.forward(announce()).task.token, 0, "that time is over");
  });

  it("waits anew where what was known is long forgotten", () => {
    rig.connect().receive(announce());
    const { swarm } = knowSwarm(NOW, 900);
    rig.times.set(...swarm, NOW - 899, 900, packLearned(4000, NOW + 4));
    assert.equal(rig.forward(announce()).task.token, 0, "its peers are kept for a while more");
    assert.equal(rig.tracker.source, 4000, "and are given to its clients");
    rig.times.set(...swarm, NOW + 899, 900, packLearned(4000, NOW));
    assert.equal(rig.forward(announce("&event=started")).task.token, 0, "it is not due");
    assert.equal(rig.tracker.source, 0, "and its peers are forgotten");
    rig.times.set(...swarm, NOW, 900, packLearned(4000, NOW));
    assert.notEqual(rig.forward(announce()).task.token, 0);
    rig.times.set(...swarm, NOW, 0);
    assert.notEqual(rig.forward(announce()).task.token, 0, "it could not be asked, a while ago");
  });

  it("has a client come back soon that got nothing while the tracker was still being asked", () => {
    const connection = rig.connect();
    connection.receive(announce("&event=started"));
    const [{ swarm }] = rig.tasks();
    connection.resume();
    assert.equal(decoded(connection.replies[0]).interval, 60);
    rig.times.set(...swarm, NOW + 30, 0);
    assert.equal(decoded(rig.forward(announce()).connection.replies[0]).interval, 1800, "it has failed");
    rig.times.set(...swarm, NOW - 1000, 900);
    rig.tracker.known = 2;
    connection.receive(announce());
    connection.resume();
    assert.equal(decoded(connection.replies[1]).interval, 900, "there is somebody");
  });

  it("tells trackers, torrents and clients apart", () => {
    rig.connect().receive(announce());
    const first = knowSwarm(NOW + 1);
    assert.notEqual(rig.forward(announce("", "tracker.example:81")).task, undefined);
    assert.notEqual(rig.forward(announce("").replace("%aA", "%ab")).task, undefined);
    const { task } = rig.forward(announce("", "TRACKER.example"), REDIRECTED);
    assert.deepEqual(task.swarm, first.swarm);
    assert.notDeepEqual(task.client, first.client);
    assert.equal(task.token, 0, "the swarm is known");
    const peerId = (name: string) => `&peer_id=-XX0001-${name.padEnd(12, "-")}`;
    const [one, another] = ["one", "another"].map((name) => rig.forward(announce(peerId(name))).task);
    assert.notDeepEqual(one.client, another.client, "two behind one address, with the same port");
  });

  it("tells what the tracker said to who waited for it, and not to what came after on the connection", () => {
    const connection = rig.connect();
    connection.receive(announce() + announce("&event=stopped", "other.example"));
    const more = Buffer.from("10:tracker id1:x");
    const nothing = new Uint8Array(0);
    connection.resume({
      interval: 0,
      complete: 0,
      incomplete: 0,
      failure: nothing,
      more,
      peers: nothing,
      peers6: nothing,
    } satisfies UpstreamReply);
    assert.deepEqual(
      connection.replies.map((reply) => decoded(reply)["tracker id"] !== undefined),
      [true, false],
    );
  });

  it("never waits to stop or to complete", () => {
    for (const event of ["stopped", "completed"])
      assert.equal(rig.forward(announce(`&event=${event}`)).connection.replies.length, 1);
  });

  it("always waits for what it passes on", () => {
    rig.tracker.known = 100;
    const { connection, task } = rig.forward(announce("", "observed.example"));
    assert.deepEqual([connection.deferMs, task.isObserved], [3000, true]);
  });

  it("answers at once when the control plane has no room", () => {
    for (let i = 0; i < 20_000 && rig.counters[COUNTER.tasksDropped] === 0; i++) {
      const connection = rig.connect();
      connection.receive(announce("&event=stopped"));
    }
    const connection = rig.connect();
    connection.receive(announce());
    assert.equal(connection.replies.length, 1);
    assert.ok(rig.counters[COUNTER.tasksDropped] > 1);
  });
});
