/**
 * A program that answers as a tracker's admin listener does to a router: `gate-server.ts HOST PORT FILE TOKEN`. It sends
 * the server-sent events in FILE, what is added to that file later, and signs of life. Reports are added to FILE.reports.
 */
import { appendFile, open } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { constants, createGzip } from "node:zlib";

const LOOK_EVERY_MS = 50;
const ALIVE_EVERY_MS = 1000;
const ALIVE = 'event: alive\ndata: {"version":2}\n\n';

const [host, port, file, token] = process.argv.slice(2);

const server = createServer(async (request, response) => {
  if (request.headers.authorization !== `Bearer ${token}`) {
    response.writeHead(401, { "Content-Type": "application/json" }).end('{"error":"a token is needed"}');
  } else if (request.url === "/api/v1/gate/report" && request.method === "POST") {
    await appendFile(`${file}.reports`, `${await text(request)}\n`);
    response.writeHead(204).end();
  } else if (request.url === "/api/v1/gate") {
    await send(response);
  } else {
    response.writeHead(404).end();
  }
});

async function send(response: ServerResponse): Promise<void> {
  response.writeHead(200, { "Content-Type": "text/event-stream", "Content-Encoding": "gzip" });
  const gzip = createGzip({ flush: constants.Z_SYNC_FLUSH });
  gzip.pipe(response);
  const handle = await open(file);
  let aliveAt = performance.now();
  try {
    for (let at = 0; !response.destroyed; ) {
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(65536), 0, 65536, at);
      at += bytesRead;
      if (bytesRead > 0) gzip.write(buffer.subarray(0, bytesRead));
      else await delay(LOOK_EVERY_MS);
      if (performance.now() - aliveAt < ALIVE_EVERY_MS || bytesRead > 0) continue;
      aliveAt = performance.now();
      gzip.write(ALIVE);
    }
  } finally {
    await handle.close();
  }
}

server.listen(Number(port), host, () => console.log("listening"));
