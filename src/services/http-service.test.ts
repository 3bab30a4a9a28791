import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { bdecode } from "../../test/support/bencode.ts";
import { FakeConnection, FakeTracker, PEERS, prefixTable } from "../../test/support/fake-connection.ts";
import { CLIENT_ERROR } from "../model/client-error.ts";
import { allocateCounters, REFUSALS_AT, REQUESTS_AT } from "../model/counters.ts";
import { REFUSAL_REASONS } from "../model/refusals.ts";
import {
  OUTCOME,
  REQUEST,
  type RequestKind,
  type RequestOutcome,
  requestCountAt,
} from "../model/request-counts.ts";
import { HttpService } from "./http-service.ts";
import { Refusal } from "./refusal.ts";

const HASH = `info_hash=${"%aa".repeat(20)}`;
const ANNOUNCE = `GET /announce?${HASH}&port=6881 HTTP/1.1\r\n`;

let counters: Float64Array;
let tracker: FakeTracker;
let service: HttpService;

beforeEach(() => {
  counters = allocateCounters();
  tracker = new FakeTracker();
  service = new HttpService(tracker, counters, new Refusal(counters), () => 0);
});

function connect(remote = "192.0.2.1"): FakeConnection {
  return new FakeConnection(service, remote);
}

/** The only reply to what is sent on a connection of its own. */
function replyTo(text: string, remote?: string) {
  const connection = connect(remote);
  connection.receive(text);
  assert.equal(connection.replies.length, 1);
  const [{ status, head, body }] = connection.replies;
  return { status, head, body, closed: connection.closed };
}

function decoded(body: string) {
  return bdecode(Buffer.from(body, "latin1"));
}

describe("announces of a batch", () => {
  const replies = (isBatch: boolean) => {
    const texts = [ANNOUNCE, `GET /announce?${HASH}&port=1&ip=192.0.2.77 HTTP/1.1\r\n`, ANNOUNCE];
    service.configure({ trustedProxies: prefixTable(), ipParameter: prefixTable("192.0.2.0/24") });
    return texts.map((text) => {
      const connection = connect();
      connection.isBatch = isBatch;
      connection.receive(`${text}\r\n`);
      return connection.replies;
    });
  };

  it("are told to the tracker before they are served, and answered as others", () => {
    const alone = replies(false);
    const seen = tracker.seen.splice(0);
    assert.equal(tracker.expected, 0);
    assert.deepEqual([replies(true), tracker.seen, tracker.expected], [alone, seen, 3]);
  });
});

describe("an announce that may wait for other trackers", () => {
  it("is taken in once, and answered when its wait is over", () => {
    const connection = connect();
    connection.mayDefer = true;
    tracker.waitMs = 500;
    connection.receive(`${ANNOUNCE}\r\n${ANNOUNCE}\r\n`);
    assert.deepEqual([connection.replies.length, connection.deferMs, tracker.seen.length], [0, 500, 1]);
    tracker.waitMs = 0;
    connection.resume();
    assert.deepEqual([connection.replies.length, connection.closed], [2, false]);
    const [first, again, next] = tracker.seen;
    assert.deepEqual([again, next], [`again ${first}`, first]);
  });

  it("is not let wait when there is no room for that", () => {
    const may: unknown[] = [];
    const announce = tracker.announce.bind(tracker);
    tracker.announce = (request, response, asker) => {
      may.push(asker?.mayDefer);
      return announce(request, response);
    };
    replyTo(`${ANNOUNCE}\r\n`);
    assert.deepEqual(may, [false]);
  });
});

describe("an announce", () => {
  it("is answered with what the tracker says, and with where it sees the client", () => {
    const { status, head, body } = replyTo(`${ANNOUNCE}\r\n`);
    assert.equal(status, 200);
    assert.match(head, /\r\nContent-Type: text\/plain\r\n/);
    assert.deepEqual(decoded(body), {
      complete: 3,
      "external ip": "\xc0\0\x02\x01",
      incomplete: 4,
      interval: 1800,
      "min interval": 900,
      ...PEERS,
    });
  });

  it("is answered in dictionaries when compact=0", () => {
    const { body } = replyTo(`GET /announce?${HASH}&port=6881&compact=0 HTTP/1.1\r\n\r\n`);
    assert.deepEqual(Object(decoded(body)).peers, [
      { ip: "192.0.2.99", port: 6881 },
      { ip: "2001:db8::", port: 6881 },
    ]);
  });

  it("that the tracker refuses is told why, and the connection goes on", () => {
    const connection = connect();
    tracker.error = CLIENT_ERROR.notAllowed;
    connection.receive(`${ANNOUNCE}\r\n`);
    tracker.error = 0;
    connection.receive(`${ANNOUNCE}\r\n`);
    const [refused, answered] = connection.replies;
    assert.deepEqual(decoded(refused.body), {
      "failure reason": "this torrent is not served here",
      "retry in": "never",
    });
    assert.equal(Object(decoded(answered.body)).complete, 3);
  });
});

describe("a scrape", () => {
  it("is answered with counts, zeros for torrents that nobody knows", () => {
    const { body } = replyTo(`GET /scrape?info_hash=${"b".repeat(20)}&${HASH}&${HASH} HTTP/1.1\r\n\r\n`);
    const zeros = { complete: 0, downloaded: 0, incomplete: 0 };
    assert.deepEqual(decoded(body), { files: { ["b".repeat(20)]: zeros, ["\xaa".repeat(20)]: zeros } });
  });

  it("that the tracker refuses is told why", () => {
    tracker.error = CLIENT_ERROR.notAllowed;
    const { body } = replyTo(`GET /scrape?${HASH} HTTP/1.1\r\n\r\n`);
    assert.equal(Object(decoded(body))["failure reason"], "this torrent is not served here");
  });
});

describe("a connection", () => {
  it("stays open as HTTP/1.1, without a word", () => {
    const { head, closed } = replyTo(`${ANNOUNCE}\r\n`);
    assert.doesNotMatch(head, /Connection/);
    assert.ok(!closed);
  });

  it("is closed when the client says so", () => {
    const { head, closed } = replyTo(`${ANNOUNCE}Connection: close\r\n\r\n`);
    assert.match(head, /\r\nConnection: close$/);
    assert.ok(closed);
  });

  it("is closed in HTTP/1.0, unless the client asks to keep it, and is told that it is kept", () => {
    const http10 = ANNOUNCE.replace("1.1", "1.0");
    const closing = replyTo(`${http10}\r\n`);
    assert.match(closing.head, /\r\nConnection: close$/);
    assert.ok(closing.closed);
    const staying = replyTo(`${http10}Connection: keep-alive\r\n\r\n`);
    assert.match(staying.head, /\r\nConnection: keep-alive$/);
    assert.ok(!staying.closed);
  });

  it("is kept or closed after a BitTorrent mistake just as after an answer", () => {
    assert.ok(!replyTo("GET /announce HTTP/1.1\r\n\r\n").closed);
    const closing = replyTo("GET /scrape HTTP/1.0\r\n\r\n");
    assert.match(closing.head, /\r\nConnection: close$/);
    assert.ok(closing.closed);
  });

  it("serves requests that come together, one after the other", () => {
    const connection = connect();
    connection.receive(
      `${ANNOUNCE}\r\nGET /scrape?${HASH} HTTP/1.1\r\n\r\n${ANNOUNCE}Connection: close\r\n\r\n${ANNOUNCE}`,
    );
    assert.deepEqual(
      tracker.seen.map((seen) => seen.slice(0, 7)),
      ["address", "scrape=", "address"],
    );
    assert.equal(connection.replies.length, 3);
    assert.ok(connection.closed);
  });

  it("takes a request however it is cut, and forgets how at the next one", () => {
    const connection = connect();
    for (let cut = 1; cut < ANNOUNCE.length; cut += 7) {
      connection.receive(ANNOUNCE.slice(0, cut));
      connection.receive(ANNOUNCE.slice(cut));
      connection.receive("\r");
      connection.receive("\n");
      assert.equal(connection.pending, "");
    }
    assert.ok(connection.replies.every(({ status }) => status === 200));
    assert.equal(connection.replies.length, tracker.seen.length);
  });

  it("leaves what follows a mistake in HTTP unread, so that the engine lets the reply arrive", () => {
    const connection = connect();
    connection.receive("POST /announce HTTP/1.1\r\nContent-Length: 9\r\n\r\nsome");
    assert.equal(connection.replies[0].status, 405);
    assert.match(connection.replies[0].head, /\r\nAllow: GET\r\n/);
    assert.ok(connection.closed);
    assert.notEqual(connection.pending, "");
  });

  it("that begins with a PROXY header nobody believes is closed at once, with nothing left unread", () => {
    const connection = connect();
    connection.receive(`PROXY TCP4 198.51.100.7 192.0.2.80 4711 80\r\n${ANNOUNCE}\r\n`);
    assert.deepEqual([connection.replies, connection.closed, connection.pending], [[], true, ""]);
  });
});

describe("configure", () => {
  const forwarded = `${ANNOUNCE}X-Forwarded-For: 198.51.100.7\r\n\r\n`;
  const speaksForAnother = `GET /announce?${HASH}&port=6881&ip=198.51.100.7 HTTP/1.1\r\n\r\n`;
  const nobody = prefixTable();
  const seenAddresses = () => tracker.seen.map((seen) => /address=(\S+)/.exec(seen)?.[1]);

  it("replaces who is believed, at first nobody, on open connections too", () => {
    const connection = connect();
    const everybody = prefixTable("192.0.2.0/24");
    connection.receive(forwarded + speaksForAnother);
    service.configure({ trustedProxies: everybody, ipParameter: nobody });
    connection.receive(forwarded + speaksForAnother);
    service.configure({ trustedProxies: nobody, ipParameter: everybody });
    connection.receive(forwarded + speaksForAnother);
    assert.deepEqual(seenAddresses(), [
      "192.0.2.1",
      "192.0.2.1",
      "198.51.100.7",
      "192.0.2.1",
      "192.0.2.1",
      "198.51.100.7",
    ]);
  });
});

describe("counters", () => {
  it("count what is refused, by whose mistake it is and by reason", () => {
    const requests = (kind: RequestKind, outcome: RequestOutcome) =>
      counters[REQUESTS_AT + requestCountAt(kind, 0, outcome)];
    replyTo(`${ANNOUNCE}\r\n`);
    replyTo("GET /announce HTTP/1.1\r\n\r\n");
    replyTo("GET /scrape HTTP/1.1\r\n\r\n");
    tracker.error = CLIENT_ERROR.notAllowed;
    replyTo(`${ANNOUNCE}\r\n`);
    replyTo("GET / HTTP/1.1\r\n\r\n");
    replyTo("GET /\n");
    connect().receive("PROXY UNKNOWN\r\n");
    assert.equal(requests(REQUEST.httpAnnounce, OUTCOME.answered), 1);
    assert.equal(requests(REQUEST.httpAnnounce, OUTCOME.refused), 2);
    assert.equal(requests(REQUEST.httpScrape, OUTCOME.refused), 1);
    assert.equal(requests(REQUEST.httpOther, OUTCOME.malformed), 3);
    const refused = REFUSAL_REASONS.filter((_, reason) => counters[REFUSALS_AT + reason] === 1);
    assert.deepEqual(
      refused.map(({ name }) => name),
      [
        "info_hash_missing",
        "scrape_missing",
        "not_allowed",
        "http_line_end",
        "http_not_found",
        "proxy_header",
      ],
    );
  });
});
