/**
 * A program that announces at a steady rate, independent of earlier results: alternately on a new connection each and
 * over UDP. Arguments: the port for HTTP, that for UDP, announces per second. On SIGTERM it waits for the announces in
 * progress, and prints a {@link LoadReport} as JSON. Until then it regularly prints how many were answered.
 */
import { randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";
import { connect } from "node:net";

const TICK_MS = 10;
/** A tick may be so late. What was not sent while this process did not run is left out: it would all be sent at once. */
const LATE_MS = 100;
/** The timeout of one announce. */
const PATIENCE_MS = 60_000;
/** The interval of UDP retries; BEP 15 says 15 seconds. */
const RETRY_MS = 3000;
/** Answers arrive in a burst after a restart. */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;
const HASHES = Array.from({ length: 100 }, () => randomBytes(20));
const CONNECT_ID = 0x41727101980n;

/** The results of the announces. Times in milliseconds since 1970. */
export interface LoadReport {
  readonly started: number;
  readonly answered: number;
  readonly failures: readonly { readonly begun: number; readonly problem: string }[];
  /** Datagrams that were sent again. */
  readonly repeated: number;
  readonly slowestMs: number;
  readonly seconds: number;
}

const [httpPort, udpPort, perSecond] = process.argv.slice(2).map(Number);
const failures: LoadReport["failures"][number][] = [];
let started = 0;
let answered = 0;
let repeated = 0;
let slowestMs = 0;
let underWay = 0;
let stopping = false;

function begin(): (problem?: string) => void {
  const at = performance.now();
  const begun = Date.now();
  underWay++;
  return (problem) => {
    underWay--;
    slowestMs = Math.max(slowestMs, Math.round(performance.now() - at));
    if (problem === undefined) answered++;
    else failures.push({ begun, problem });
  };
}

function announceHttp(number: number): void {
  const end = begin();
  const hash = [...HASHES[number % HASHES.length]]
    .map((byte) => `%${byte.toString(16).padStart(2, "0")}`)
    .join("");
  const socket = connect({ host: "127.0.0.1", port: httpPort });
  let reply = "";
  let problem: string | undefined;
  socket.setTimeout(PATIENCE_MS, () => socket.destroy(new Error("no answer")));
  socket.setEncoding("latin1").on("data", (text: string) => {
    reply += text;
  });
  socket.on("error", (error) => {
    problem = `http: ${error.message}`;
  });
  socket.on("close", () => {
    end(
      problem ??
        (/^HTTP\/1\.1 200 .*8:complete/s.test(reply) ? undefined : `http: answered ${JSON.stringify(reply)}`),
    );
  });
  const query = `info_hash=${hash}&port=${1024 + (number % 60_000)}&left=1000&compact=1`;
  socket.write(`GET /announce?${query} HTTP/1.1\r\nHost: tracker\r\nConnection: close\r\n\r\n`);
}

const waiting = new Map<
  number,
  { end: (problem?: string) => void; sendings: number; request: () => Buffer; at: number }
>();
const udp = createSocket({ type: "udp4", recvBufferSize: RECEIVE_BUFFER_BYTES });
let connectionId = CONNECT_ID;

function announceUdp(number: number): void {
  const request = () => {
    const bytes = Buffer.alloc(98);
    bytes.writeBigUInt64BE(connectionId, 0);
    bytes.writeUInt32BE(1, 8);
    bytes.writeUInt32BE(number, 12);
    HASHES[number % HASHES.length].copy(bytes, 16);
    bytes.write("-ET0001-000000000000", 36);
    bytes.writeBigUInt64BE(1000n, 64);
    bytes.writeInt32BE(-1, 92);
    bytes.writeUInt16BE(1024 + (number % 60_000), 96);
    return bytes;
  };
  waiting.set(number, { end: begin(), sendings: 1, request, at: performance.now() });
  udp.send(request(), udpPort, "127.0.0.1");
}

function connectUdp(): void {
  const bytes = Buffer.alloc(16);
  bytes.writeBigUInt64BE(CONNECT_ID, 0);
  udp.send(bytes, udpPort, "127.0.0.1");
}

udp.on("message", (reply) => {
  const action = reply.readUInt32BE(0);
  if (action === 0) {
    if (connectionId === CONNECT_ID) setInterval(tick, TICK_MS);
    connectionId = reply.readBigUInt64BE(8);
    return;
  }
  const number = reply.readUInt32BE(4);
  const waits = waiting.get(number);
  if (waits === undefined) return;
  waiting.delete(number);
  waits.end(action === 1 ? undefined : `udp: ${reply.subarray(8).toString()}`);
});

function retryUdp(now: number): void {
  for (const [number, waits] of waiting) {
    if (now < waits.at + waits.sendings * RETRY_MS) continue;
    if (waits.sendings * RETRY_MS > PATIENCE_MS) {
      waiting.delete(number);
      waits.end("udp: no answer");
      continue;
    }
    waits.sendings++;
    repeated++;
    udp.send(waits.request(), udpPort, "127.0.0.1");
  }
}

let first = 0;
let lastTick = 0;
let due = 0;

function tick(): void {
  const now = performance.now();
  if (first === 0) first = now;
  retryUdp(now);
  if (stopping) {
    if (underWay > 0) return;
    const seconds = Math.round(now - first) / 1000;
    const report: LoadReport = { started, answered, failures, repeated, slowestMs, seconds };
    console.log(JSON.stringify(report));
    process.exit();
  }
  due += (Math.min(now - lastTick, LATE_MS) * perSecond) / 1000;
  lastTick = now;
  for (; due >= 1; due--, started++) {
    if (started % 2 === 0) announceHttp(started);
    else announceUdp(started);
  }
}

process.on("SIGTERM", () => {
  stopping = true;
});
connectUdp();
setInterval(connectUdp, 30_000);
setInterval(() => {
  if (!stopping) console.log(answered);
}, 100);
