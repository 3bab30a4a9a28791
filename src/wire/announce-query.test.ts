import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { formatAddress, parseAddress } from "../model/address-text.ts";
import { ANNOUNCE_EVENT, coarseLeft, LEFT_MAX, NUM_WANT_DEFAULT, NUM_WANT_LIMIT } from "../model/announce.ts";
import { CLIENT_ERROR, CLIENT_ERRORS, type ClientErrorCode, OK } from "../model/client-error.ts";
import { AnnounceQuery } from "./announce-query.ts";
import { ascii } from "./ascii.ts";

const HASH = "%12%34%56%78%9a%bc%de%f0%12%34%56%78%9a%bc%de%f0%12%34%56%78";
const HASH_WORDS = [0x12345678, 0x9abcdef0, 0x12345678, 0x9abcdef0, 0x12345678];
const REST = "&peer_id=-TR4060-0a1b2c3d4e5f&port=6881";
const RIGHT = `info_hash=${HASH}${REST}`;

const query = new AnnounceQuery();

/** Decodes a query that stands between bytes that must not be read. */
function decode(text: string): ClientErrorCode {
  const bytes = ascii(`?${text}&port=1&ip=x HTTP/1.1`);
  return query.decode(bytes, 1, 1 + text.length);
}

function error(text: string): string {
  return CLIENT_ERRORS[decode(text)].reason;
}

function accepted(text: string): typeof query.request {
  assert.equal(error(text), "");
  return query.request;
}

/** What a trusted requester makes of its address. */
function believed(requester: string, text: string): string {
  const bytes = ascii(`${RIGHT}${text}`);
  assert.equal(query.decode(bytes, 0, bytes.length), OK);
  query.request.address.copyFrom(parseAddress(requester));
  const code = query.believeAddresses(bytes);
  if (code !== OK) return CLIENT_ERRORS[code].reason;
  const { address, port, otherAddress, otherPort, hasOther } = query.request;
  const own = `${formatAddress(address)} ${port}`;
  return hasOther ? `${own} | ${formatAddress(otherAddress)} ${otherPort}` : own;
}

describe("info_hash", () => {
  it("is 20 bytes, escaped, raw or mixed, in any case", () => {
    for (const hash of [HASH, HASH.toUpperCase(), "%124Vx%9A\xbc\xde\xf0%124Vx\x9a%bc%dE\xf0%124V%78"]) {
      assert.deepEqual([...accepted(`info_hash=${hash}${REST}`).infoHash], HASH_WORDS, hash);
    }
  });

  it("takes + for a plus, not for a space", () => {
    const { infoHash } = accepted(`info_hash=++++${"%00".repeat(16)}${REST}`);
    assert.equal(infoHash[0], 0x2b2b2b2b);
  });

  it("may hold an escaped & and =", () => {
    const { infoHash } = accepted(`info_hash=%26=%25%00${"%00".repeat(16)}${REST}`);
    assert.equal(infoHash[0], 0x263d2500);
  });

  it("has exactly 20 bytes after decoding", () => {
    for (const hash of [
      "",
      "x",
      "x".repeat(19),
      "x".repeat(21),
      HASH + HASH,
      "%00".repeat(19),
      "x".repeat(5000),
    ]) {
      assert.equal(decode(`info_hash=${hash}${REST}`), CLIENT_ERROR.infoHashLength, hash);
    }
  });

  it("in hexadecimal is a mistake of its own", () => {
    assert.equal(
      decode(`info_hash=123456789ABCDEF0123456789abcdef012345678${REST}`),
      CLIENT_ERROR.infoHashHex,
    );
    assert.equal(
      decode(`info_hash=123456789abcdef0123456789abcdef01234567g${REST}`),
      CLIENT_ERROR.infoHashLength,
    );
  });

  it("is given once", () => {
    assert.equal(decode(REST), CLIENT_ERROR.infoHashMissing);
    assert.equal(decode("info_hash"), CLIENT_ERROR.infoHashLength);
    assert.equal(decode(`info_hash=${HASH}&info_hash=${HASH}${REST}`), CLIENT_ERROR.infoHashRepeated);
    assert.equal(decode(`info_hash=x&info_hash=${HASH}${REST}`), CLIENT_ERROR.infoHashRepeated);
  });

  it("with a broken escape is told so", () => {
    for (const broken of ["%", "%4", "%zz", "%0x"]) {
      assert.equal(
        decode(`info_hash=${"x".repeat(19)}${broken}${REST}`),
        CLIENT_ERROR.percentEncoding,
        broken,
      );
    }
  });
});

function hexOf(text: string): string {
  return Buffer.from(text, "latin1").toString("hex");
}

describe("peer_id", () => {
  it("may be absent; otherwise it has 20 bytes", () => {
    const absent = "0".repeat(40);
    const idOf = (text: string) =>
      Array.from(accepted(text).peerId, (word) => word.toString(16).padStart(8, "0")).join("");
    assert.equal(idOf(`info_hash=${HASH}&port=1&peer_id=${"%ff".repeat(20)}`), "ff".repeat(20));
    assert.equal(
      idOf(`info_hash=${HASH}&port=1&peer_id=-TR4060-abcdefghijkl`),
      hexOf("-TR4060-abcdefghijkl"),
    );
    assert.equal(idOf(`info_hash=${HASH}&port=1`), absent);
    for (const id of ["", "x", "x".repeat(19), "x".repeat(21), "x".repeat(500)]) {
      assert.equal(decode(`info_hash=${HASH}&port=1&peer_id=${id}`), CLIENT_ERROR.peerIdLength, id);
    }
  });
});

describe("port", () => {
  it("is a number from 1 to 65535", () => {
    assert.equal(accepted(`info_hash=${HASH}&port=1`).port, 1);
    assert.equal(accepted(`info_hash=${HASH}&port=65535`).port, 65535);
    assert.equal(accepted(`info_hash=${HASH}&port=%36881`).port, 6881);
    for (const port of ["0", "65536", "-1", "+1", "x", "6881x", "4294974177", "1".repeat(400)]) {
      assert.equal(decode(`info_hash=${HASH}&port=${port}`), CLIENT_ERROR.portInvalid, port);
    }
    assert.equal(decode(`info_hash=${HASH}`), CLIENT_ERROR.portMissing);
    assert.equal(decode(`info_hash=${HASH}&port=`), CLIENT_ERROR.portMissing);
    assert.equal(decode(`info_hash=${HASH}&port=%`), CLIENT_ERROR.percentEncoding);
  });
});

describe("left", () => {
  it("is 0 only for 0: a multiple of 2^32 is no seeder", () => {
    assert.equal(accepted(`${RIGHT}&left=0`).left, 0);
    assert.equal(accepted(`${RIGHT}&left=00`).left, 0);
    for (let k = 1n; k <= 0xffff_ffffn; k = k * 3n + 1n) {
      const left = k * 2n ** 32n;
      assert.equal(accepted(`${RIGHT}&left=${left}`).left, coarseLeft(Number(left)), `${left}`);
      assert.equal(query.request.transferred[2], Number(left));
      assert.notEqual(query.request.left, 0);
    }
  });

  it("goes up to 2^64 - 1", () => {
    const { left } = accepted(`${RIGHT}&left=18446744073709551615`);
    assert.ok(left > coarseLeft(2 ** 46));
    assert.ok(left < LEFT_MAX, "it is not unknown");
  });

  it("is unknown, and not complete, when it is absent, empty or -1", () => {
    for (const text of ["", "&left", "&left=", "&left=-1"])
      assert.equal(accepted(`${RIGHT}${text}`).left, LEFT_MAX);
  });

  it("is nothing else", () => {
    for (const left of ["-2", "--1", "x", "1.5", "1e9", "0x10", "1".repeat(21), "1".repeat(100), "+1"]) {
      assert.equal(decode(`${RIGHT}&left=${left}`), CLIENT_ERROR.leftInvalid, left);
    }
    assert.equal(decode(`${RIGHT}&left=%`), CLIENT_ERROR.percentEncoding);
  });
});

describe("numwant", () => {
  it("is the default when it is absent, empty or negative", () => {
    for (const text of ["", "&numwant=", "&numwant=-1", "&numwant=-9999999999999"]) {
      assert.equal(accepted(`${RIGHT}${text}`).numWant, NUM_WANT_DEFAULT, text);
    }
  });

  it("is limited to what there is room for", () => {
    assert.equal(accepted(`${RIGHT}&numwant=0`).numWant, 0);
    assert.equal(accepted(`${RIGHT}&numwant=${NUM_WANT_LIMIT}`).numWant, NUM_WANT_LIMIT);
    for (const huge of [NUM_WANT_LIMIT + 1, 2 ** 31, 2 ** 32, 2 ** 53, "9".repeat(60)]) {
      assert.equal(accepted(`${RIGHT}&numwant=${huge}`).numWant, NUM_WANT_LIMIT, `${huge}`);
    }
  });

  it("is a number", () => {
    for (const numWant of ["x", "-", "5x", "1.5", "--5", "NaN", "Infinity"]) {
      assert.equal(decode(`${RIGHT}&numwant=${numWant}`), CLIENT_ERROR.numWantInvalid, numWant);
    }
    assert.equal(decode(`${RIGHT}&numwant=%4`), CLIENT_ERROR.percentEncoding);
  });
});

describe("event", () => {
  it("is one of four, paused (BEP 21) among them", () => {
    for (const event of ["started", "completed", "stopped", "paused"] as const) {
      assert.equal(accepted(`${RIGHT}&event=${event}`).event, ANNOUNCE_EVENT[event]);
    }
    assert.equal(accepted(`${RIGHT}&event=%73topped`).event, ANNOUNCE_EVENT.stopped);
  });

  it("is none when it is anything else", () => {
    for (const event of ["", "none", "stoppe", "stoppedx", "%", "x".repeat(100)]) {
      assert.equal(accepted(`${RIGHT}&event=${event}`).event, ANNOUNCE_EVENT.none, event);
    }
  });
});

describe("compact", () => {
  it("is only turned off by 0", () => {
    for (const [text, compact] of [
      ["", true],
      ["&compact=1", true],
      ["&compact=", true],
      ["&compact=0", false],
    ] as const) {
      accepted(`${RIGHT}${text}`);
      assert.equal(query.compact, compact, text);
    }
  });
});

describe("key", () => {
  const key = (text: string) => accepted(`${RIGHT}${text}`).clientKey;

  it("is a number where it is hexadecimal, as it would be over UDP", () => {
    assert.equal(key("&key=89ABCDEF"), 0x89abcdef | 0);
    assert.equal(key("&key=1f"), 0x1f);
  });

  it("is any bytes, and is told from others", () => {
    const keys = ["&key=not-hex", "&key=not-hey", "&key=123456789", "&key=%00%01", "&key=123456780"].map(key);
    assert.equal(new Set([0, ...keys]).size, 1 + keys.length);
  });

  it("is no mistake whatever it is", () => {
    for (const text of ["", "&key", "&key=", "&key=%", `&key=${"a".repeat(200)}`])
      assert.equal(key(text), 0, text);
  });
});

describe("the whole query", () => {
  it("leaves nothing of the announce before", () => {
    believed("192.0.2.1", "&left=0&numwant=3&event=stopped&compact=0&ipv6=[2001:db8::1]:9");
    const { left, numWant, event, hasOther } = accepted(RIGHT);
    assert.deepEqual(
      { left, numWant, event, hasOther },
      { left: LEFT_MAX, numWant: -1, event: 0, hasOther: false },
    );
    assert.equal(query.compact, true);
    assert.equal(believed("192.0.2.1", ""), "192.0.2.1 6881");
  });

  it("takes the last of repeated keys, and forgets what was wrong with those before", () => {
    const { port, left, numWant } = accepted(
      `${RIGHT}&port=x&port=7&left=x&left=0&numwant=x&numwant=9&peer_id=x&peer_id=${"y".repeat(20)}`,
    );
    assert.deepEqual({ port, left, numWant }, { port: 7, left: 0, numWant: 9 });
    assert.equal(decode(`${RIGHT}&port=x`), CLIENT_ERROR.portInvalid);
    assert.equal(decode(`${RIGHT}&left=0&left=x`), CLIENT_ERROR.leftInvalid);
  });

  it("ignores unknown keys, whatever is in them", () => {
    accepted(`${RIGHT}&trackerid=%zz&=&&key&PORT=0&Left=x&port%20=0&${"k=v&".repeat(500)}x=%`);
  });

  it("agrees with a reference made of strings", () => {
    const key = fc.constantFrom(
      "info_hash",
      "peer_id",
      "port",
      "left",
      "downloaded",
      "uploaded",
      "numwant",
      "event",
      "compact",
      "x",
      "",
    );
    const value = fc.oneof(
      fc.constantFrom(HASH, "-TR4060-0a1b2c3d4e5f", "stopped", "0", "1", "-1", "%", "%2b", ""),
      fc.nat(70_000).map(String),
      fc.bigInt(0n, 10n ** 22n).map(String),
    );
    const pair = fc.tuple(key, value).map(([k, v]) => `${k}=${v}`);
    const text = fc.array(fc.oneof(pair, fc.constantFrom(`info_hash=${HASH}`, "port=1")), { maxLength: 9 });
    fc.assert(
      fc.property(text, (pairs) => {
        const code = decode(pairs.join("&"));
        const reference = referenceDecode(pairs);
        assert.equal(code, reference.code);
        if (code !== OK) return;
        const { port, left, numWant, event } = query.request;
        const [downloaded, uploaded] = [...query.request.transferred].map(about);
        const decoded = { code, port, left, downloaded, uploaded, numWant, event, compact: query.compact };
        assert.deepEqual(decoded, reference);
      }),
      { numRuns: 3000 },
    );
  });
});

/** A sum without its last digits: it is read digit by digit, and rounded each time. */
const about = (sum: number) => Number(sum.toPrecision(13));

/** What a query means, written with strings and without care for speed. Its values are those of the test above. */
function referenceDecode(pairs: readonly string[]) {
  const all = pairs.map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]);
  const last = (key: string) => all.findLast(([k]) => k === key)?.[1];
  const text = (key: string) => last(key)?.replace("%2b", "+");
  const hashes = all.filter(([k]) => k === "info_hash");
  const bytes = (value: string) => value.replace(/%../g, "x").length;
  const number = (key: string, pattern: RegExp, error: ClientErrorCode) => {
    if (last(key) === "%") return CLIENT_ERROR.percentEncoding;
    return text(key) === undefined || pattern.test(text(key)!) ? OK : error;
  };
  const port = Number(/^\d+$/.test(text("port") ?? "") ? text("port") : 0);
  const portError = (text("port") ?? "") === "" ? CLIENT_ERROR.portMissing : CLIENT_ERROR.portInvalid;
  const hash = hashes[0]?.[1] ?? "";
  const peerId = last("peer_id");
  const code =
    (hashes.length === 0 && CLIENT_ERROR.infoHashMissing) ||
    (hashes.length > 1 && CLIENT_ERROR.infoHashRepeated) ||
    (hash === "%" && CLIENT_ERROR.percentEncoding) ||
    (bytes(hash) !== 20 && CLIENT_ERROR.infoHashLength) ||
    (peerId === "%" && CLIENT_ERROR.percentEncoding) ||
    (peerId !== undefined && bytes(peerId) !== 20 && CLIENT_ERROR.peerIdLength) ||
    (last("port") === "%" && CLIENT_ERROR.percentEncoding) ||
    ((port < 1 || port > 65535) && portError) ||
    number("left", /^(-1|\d{0,20})$/, CLIENT_ERROR.leftInvalid) ||
    number("numwant", /^(-?\d+)?$/, CLIENT_ERROR.numWantInvalid);
  const left = text("left") ?? "";
  const sum = (key: string) => (/^\d{1,20}$/.test(text(key) ?? "") ? about(Number(text(key))) : -1);
  const numWant = Number(text("numwant") || "-1");
  return {
    code,
    port,
    left: left === "" || left === "-1" ? LEFT_MAX : coarseLeft(Number(left)),
    downloaded: sum("downloaded"),
    uploaded: sum("uploaded"),
    numWant: numWant < 0 ? NUM_WANT_DEFAULT : Math.min(numWant, NUM_WANT_LIMIT),
    event: text("event") === "stopped" ? ANNOUNCE_EVENT.stopped : ANNOUNCE_EVENT.none,
    compact: text("compact") !== "0",
  };
}

describe("ip, ipv4 and ipv6 of a trusted requester", () => {
  it("ip replaces the address, even by one of the other family", () => {
    assert.equal(believed("192.0.2.1", "&ip=198.51.100.7"), "198.51.100.7 6881");
    assert.equal(believed("192.0.2.1", "&ip=2001:db8::7"), "2001:db8::7 6881");
    assert.equal(believed("192.0.2.1", "&ip=%3A%3affff%3A198.51.100.7"), "198.51.100.7 6881");
  });

  it("ipv4 and ipv6 replace the address of their family, and its port", () => {
    assert.equal(believed("192.0.2.1", "&ipv4=198.51.100.7"), "198.51.100.7 6881");
    assert.equal(believed("192.0.2.1", "&ipv4=198.51.100.7:99"), "198.51.100.7 99");
    assert.equal(believed("2001:db8::1", "&ipv6=%5B2001%3Adb8%3A%3A7%5D%3A99"), "2001:db8::7 99");
  });

  it("ipv4 and ipv6 add an address of the other family, with the announced port unless they have one", () => {
    assert.equal(believed("192.0.2.1", "&ipv6=2001:db8::7"), "192.0.2.1 6881 | 2001:db8::7 6881");
    assert.equal(believed("192.0.2.1", "&ipv6=[2001:db8::7]:99"), "192.0.2.1 6881 | 2001:db8::7 99");
    assert.equal(believed("2001:db8::1", "&ipv4=198.51.100.7:99"), "2001:db8::1 6881 | 198.51.100.7 99");
  });

  it("all of them work together", () => {
    const both = "&ipv4=198.51.100.7:1&ipv6=2001:db8::7";
    assert.equal(believed("192.0.2.1", both), "198.51.100.7 1 | 2001:db8::7 6881");
    assert.equal(believed("2001:db8::1", both), "2001:db8::7 6881 | 198.51.100.7 1");
    assert.equal(believed("192.0.2.1", `&ip=2001:db8::9${both}`), "2001:db8::7 6881 | 198.51.100.7 1");
  });

  it("names, nonsense and addresses of the wrong family are refused", () => {
    const wrong = [
      "ip=peer.example",
      "ip=",
      "ip=%",
      "ip=192.0.2.1:80",
      "ipv4=2001:db8::7",
      "ipv6=198.51.100.7",
    ];
    for (const text of [
      ...wrong,
      "ipv4=198.51.100.7:0",
      "ipv6=::ffff:198.51.100.7",
      `ip=${"1".repeat(100)}`,
    ]) {
      assert.equal(believed("192.0.2.1", `&${text}`), "ip, ipv4 or ipv6 is not an address", text);
    }
  });
});

describe("ip, ipv4 and ipv6 of anybody else", () => {
  it("are ignored, even if they make no sense", () => {
    const { hasOther } = accepted(`${RIGHT}&ip=%zz&ipv4=nonsense&ipv6=%`);
    assert.equal(hasOther, false);
  });
});
