/**
 * Times an HTTP announce from bytes to bytes, without sockets and tracker: decoding a client's request and encoding an
 * answer with 50 peers. It also shows that no garbage is made. `node bench/wire.ts`
 */
import { PerformanceObserver } from "node:perf_hooks";
import { Exchange, REPLY_BYTES } from "../src/engine/engine.ts";
import type { AnnounceRequest, AnnounceResponse } from "../src/model/announce.ts";
import { type ClientErrorCode, OK } from "../src/model/client-error.ts";
import { allocateCounters } from "../src/model/counters.ts";
import { HttpService } from "../src/services/http-service.ts";
import { Refusal } from "../src/services/refusal.ts";
import { ascii } from "../src/wire/ascii.ts";

const ROUNDS = 5;
const REQUESTS = 1_000_000;
const PEERS = 50;

const head = ascii(
  [
    "GET /announce?info_hash=%a3%1f%00K%9a%e2%08Qz%ff%10%b7%c4%22%07m%e9%5c%81%d0&peer_id=-TR4060-0a1b2c3d4e5f" +
      "&port=51413&uploaded=0&downloaded=0&left=734003200&numwant=50&key=4a5b6c7d&compact=1&supportcrypto=1" +
      "&event=started HTTP/1.1",
    "Host: retracker.local",
    "User-Agent: Transmission/4.0.6",
    "Accept: */*",
    "Accept-Encoding: deflate, gzip, br, zstd",
    "",
    "",
  ].join("\r\n"),
);

/** Replaces the tracker: the peers are in the response already. */
const tracker = {
  announce(request: AnnounceRequest, response: AnnounceResponse): ClientErrorCode {
    response.complete = request.left & 0xff;
    response.incomplete = 31;
    response.interval = 1800;
    response.minInterval = 900;
    response.peerCount = PEERS;
    return OK;
  },
  answer: () => {},
  expect: () => {},
  waitMs: 0,
  scrape: (): ClientErrorCode => OK,
};

const counters = allocateCounters();
const service = new HttpService(tracker, counters, new Refusal(counters), () => performance.now());
const exchange = new Exchange();
exchange.input = Buffer.from(head);
exchange.output = Buffer.alloc(REPLY_BYTES);
exchange.end = head.length;
exchange.remote.set([0xff, 0xff, 198, 51, 100, 7], 10);

function run(): number {
  let replied = 0;
  for (let i = 0; i < REQUESTS; i++) {
    exchange.state = i & 1;
    exchange.consumed = 0;
    replied += service.serve(exchange);
  }
  return replied;
}

let collections = 0;
new PerformanceObserver((list) => {
  collections += list.getEntries().length;
}).observe({ entryTypes: ["gc"] });

for (let round = 1; round <= ROUNDS; round++) {
  const heapBefore = process.memoryUsage().heapUsed;
  const cpuBefore = process.cpuUsage();
  const replied = run();
  const cpu = process.cpuUsage(cpuBefore);
  const nanoseconds = ((cpu.user + cpu.system) * 1000) / REQUESTS;
  const grown = process.memoryUsage().heapUsed - heapBefore;
  await new Promise((resolve) => setImmediate(resolve));
  console.log(
    `round ${round}: ${nanoseconds.toFixed(0)} ns (CPU) per announce of ${head.length} bytes in, ${replied / REQUESTS} out;`,
    `heap ${(grown / 1024).toFixed(0)} KiB and ${collections} collections per million`,
  );
  collections = 0;
}
