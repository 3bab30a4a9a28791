import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { until } from "../../test/support/bed.ts";
import { type BehaviourName, HostileTracker } from "../../test/support/hostile-tracker.ts";
import { answerOf, assertFailed } from "../../test/support/outcomes.ts";
import type { Address } from "../model/address.ts";
import { formatAddress, parseAddress } from "../model/address-text.ts";
import type { FailureKind, Outcome } from "./outcome.ts";
import { type ClientSettings, TrackerClient } from "./tracker-client.ts";

const SETTINGS: ClientSettings = {
  guard: () => true,
  refuseLowPorts: false,
  timeoutMs: 60_000,
  maxInFlight: 100,
  maxPerHost: 10,
};

/** What makes a request an announce. */
const QUERY = `?info_hash=${"%aA".repeat(20)}&port=6881`;

/** A deadline that is meant to pass. */
const SHORT_MS = 300;

describe("announcing over HTTP", () => {
  let tracker: HostileTracker;
  let client: TrackerClient;

  before(async () => {
    tracker = await HostileTracker.start();
    client = new TrackerClient(SETTINGS);
  });

  after(async () => {
    await client.close();
    await tracker.stop();
  });

  const announce = (behaviour: BehaviourName, query = QUERY, timeoutMs?: number) =>
    client.announce({ url: tracker.url(behaviour, query), timeoutMs });

  for (const behaviour of [
    "good",
    "kept open",
    "chunked",
    "until the end",
    "gzip",
    "deflate",
    "raw deflate",
    "one redirect",
    "three redirects",
  ] as const) {
    it(`reads an answer: ${behaviour}`, async () => assertGood(await announce(behaviour)));
  }

  const failures: [FailureKind, BehaviourName[]][] = [
    ["not HTTP", ["garbage"]],
    ["not bencode", ["garbage body", "html", "empty body", "cut off", "deeply nested"]],
    [
      "not an announce",
      ["a list", "something else", "wrong length", "wrong length of peers6", "peers that are a number"],
    ],
    ["too large", ["endless body", "endless chunks", "announced too large", "gzip bomb", "deflate bomb"]],
    ["encoding", ["not gzip", "gzip cut off", "gzip twice", "brotli"]],
    ["headers", ["header flood", "endless header"]],
    ["incomplete", ["closed in body"]],
    ["cut", ["closed at once", "closed in headers", "reset", "two lengths", "continue"]],
    [
      "redirect",
      [
        "redirect loop",
        "four redirects",
        "redirect to nowhere",
        "redirect to a file",
        "redirect to udp",
        "redirect to userinfo",
        "redirect to something else",
      ],
    ],
    ["status", ["not found", "server error"]],
  ];
  for (const [kind, behaviours] of failures) {
    for (const behaviour of behaviours) {
      it(`says "${kind}": ${behaviour}`, async () => assertFailed(await announce(behaviour), kind));
    }
  }

  for (const behaviour of ["silent", "slow headers", "slow body", "slow chunks"] as const) {
    it(`ends with its deadline: ${behaviour}`, async () => {
      assertFailed(await announce(behaviour, QUERY, SHORT_MS), "timeout");
    });
  }

  it("leaves nothing open behind it but idle connections", async () => {
    await until("connections are closed", () => tracker.open <= 1);
    assert.equal(client.inFlight, 0);
  });

  it("tells a status from others", async () => {
    const outcome = await announce("not found");
    assert.equal(outcome.answered ? 0 : outcome.status, 404);
  });

  it("reads a failure reason, with whatever status it comes", async () => {
    const outcome = answerOf(await announce("failure reason"));
    assert.deepEqual([outcome.failureReason, outcome.retryIn], ["away", 900]);
    assert.equal(answerOf(await announce("failure for ever")).retryIn, Number.POSITIVE_INFINITY);
    assert.equal(answerOf(await announce("failure with a status")).failureReason, "unregistered");
  });

  it("sends path and query as they are, byte for byte", async () => {
    const query = "?passkey=a%2fb&info_hash=%aa%Bb\xe9\"<>'%zz%&x={y}|^`&&;=+";
    assertGood(await announce("good", query));
    assert.ok(tracker.requests.at(-1)!.startsWith(`GET /good${query} HTTP/1.1\r\n`), tracker.requests.at(-1));
    await announce("two redirects");
    assert.ok(tracker.requests.at(-1)!.startsWith(`GET /good${QUERY} HTTP/1.1\r\n`), tracker.requests.at(-1));
  });

  it("sends the User-Agent it is given, and no header that could be smuggled in one", async () => {
    const url = tracker.url("good");
    assertGood(await client.announce({ url, userAgent: "qBittorrent/5.0" }));
    assert.match(tracker.requests.at(-1)!, /^user-agent: qBittorrent\/5\.0$/im);
    for (const userAgent of ["a\r\nX: y", "", "é", "a".repeat(300)]) {
      assertFailed(await client.announce({ url, userAgent }), "url");
    }
  });

  it("uses connections again", async () => {
    const before = tracker.connections;
    for (let i = 0; i < 20; i++) assertGood(await announce("kept open"));
    assert.ok(tracker.connections < before + 10, `${tracker.connections - before} connections`);
  });

  it("says that nobody listens", async () => {
    const other = await HostileTracker.start();
    const url = other.url("good");
    await other.stop();
    assertFailed(await client.announce({ url }), "refused");
  });

  it("says that the other end does not speak TLS", async () => {
    const url = tracker.url("good").replace("http:", "https:");
    assertFailed(await client.announce({ url }), "tls");
  });
});

describe("names and addresses", () => {
  let tracker: HostileTracker;
  const clients: TrackerClient[] = [];

  before(async () => {
    tracker = await HostileTracker.start();
  });

  after(async () => {
    for (const client of clients) await client.close();
    await tracker.stop();
  });

  /** A client for which names mean these addresses. */
  function clientFor(names: Record<string, string[]>, settings: Partial<ClientSettings> = {}): TrackerClient {
    const resolve = async (host: string) => {
      if (!(host in names)) throw new Error("no such name");
      return names[host].map(parseAddress);
    };
    const client = new TrackerClient({ ...SETTINGS, resolve, ...settings });
    clients.push(client);
    return client;
  }

  const allowing =
    (...allowed: string[]) =>
    (address: Address) =>
      allowed.includes(formatAddress(address));

  it("connects to what a name resolves to, and sends the name", async () => {
    const client = clientFor({ "tracker.example": ["127.0.0.1"] });
    assertGood(await client.announce({ url: `http://Tracker.Example:${tracker.port}/good` }));
    assert.match(tracker.requests.at(-1)!, new RegExp(`^host: tracker\\.example:${tracker.port}$`, "im"));
  });

  it("says that a name has no address", async () => {
    assertFailed(await clientFor({}).announce({ url: "http://nobody.example/announce" }), "dns");
  });

  it("ends with its deadline while a name is being asked for", async () => {
    const client = clientFor({}, { resolve: () => new Promise(() => {}) });
    assertFailed(await client.announce({ url: "http://slow.example/", timeoutMs: SHORT_MS }), "timeout");
  });

  it("connects only to addresses that the guard lets pass", async () => {
    const guard = allowing("127.0.0.1");
    const names = { mixed: ["10.0.0.1", "127.0.0.1", "::1"], bad: ["10.0.0.1", "::1"] };
    const client = clientFor(names, { guard });
    assertGood(await client.announce({ url: `http://mixed:${tracker.port}/good` }));
    assertFailed(await client.announce({ url: `http://bad:${tracker.port}/good` }), "address");
    assertFailed(await client.announce({ url: `http://[::1]:${tracker.port}/good` }), "address");
    assertGood(await client.announce({ url: `http://[::ffff:127.0.0.1]:${tracker.port}/good` }));
  });

  it("looks at the address anew after each redirect", async () => {
    const connections = tracker.connections;
    const client = clientFor(
      { inside: ["127.0.0.2"] },
      { guard: allowing("127.0.0.1"), refuseLowPorts: true },
    );
    const to = (url: string) =>
      client.announce({ url: tracker.url("redirect to", `?${encodeURIComponent(url + QUERY)}`) });
    assertFailed(await to(`http://127.0.0.2:${tracker.port}/good`), "address");
    assertFailed(await to(`http://inside:${tracker.port}/good`), "address");
    assertFailed(await to("http://127.0.0.1:22/good"), "port");
    assertFailed(await to(`http://2130706433:${tracker.port}/good`), "redirect");
    assertGood(await to(`//127.0.0.1:${tracker.port}/good`));
    assert.ok(tracker.connections > connections);
  });

  it("a name that means something else the next time is looked at again", async () => {
    const answers = [["127.0.0.1"], ["169.254.169.254"]];
    const resolve = async () => answers.shift()!.map(parseAddress);
    const client = clientFor({}, { resolve, guard: allowing("127.0.0.1") });
    const url = `http://rebinding.example:${tracker.port}/good`;
    assertGood(await client.announce({ url })); // closes its connection
    assertFailed(await client.announce({ url }), "address");
  });
});

describe("limits", () => {
  it("of all announces, of a host's, and the end of all", async () => {
    const tracker = await HostileTracker.start();
    const other = await HostileTracker.start();
    const client = new TrackerClient({ ...SETTINGS, maxInFlight: 3, maxPerHost: 2 });
    const waiting = [tracker, tracker, other].map((each, i) => {
      return client.announce({ url: each.url("silent"), timeoutMs: i === 2 ? SHORT_MS : undefined });
    });
    assertFailed(await client.announce({ url: other.url("good") }), "busy");
    assertFailed(await waiting[2], "timeout");
    assertFailed(await client.announce({ url: tracker.url("good") }), "busy");
    assertGood(await client.announce({ url: other.url("good") }));
    await client.close();
    assertFailed(await waiting[0], "closed");
    assertFailed(await waiting[1], "closed");
    assertFailed(await client.announce({ url: other.url("good") }), "closed");
    await tracker.stop();
    await other.stop();
  });
});

function assertGood(outcome: Outcome): void {
  const answer = answerOf(outcome);
  assert.equal(answer.failureReason, undefined);
  assert.deepEqual(
    [answer.complete, answer.incomplete, answer.interval, answer.minInterval],
    [2, 3, 1800, 900],
  );
  assert.equal(Buffer.from(answer.peers).toString("hex"), "c63364011ae1c63364021ae2");
  assert.equal(Buffer.from(answer.peers6).toString("hex"), "20010db80000000000000000000000071ae3");
  assert.equal(Buffer.from(answer.trackerId!).toString("latin1"), "a\0b");
}
