/** Sources behind URLs and commands that behave well, badly, and with intent. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { gzipSync } from "node:zlib";
import { until } from "../../test/support/bed.ts";
import { formatPrefix } from "../network/prefix.ts";
import { readPrefixSource } from "./read-source.ts";
import type { PrefixSourceSettings } from "./settings.ts";

const MEBIBYTE = 1024 * 1024;

const DEFAULTS: PrefixSourceSettings = {
  group: "a",
  from: "",
  format: "list",
  select: [],
  interval: 3600,
  timeout: 20,
  maxBytes: MEBIBYTE,
  maxPrefixes: 1000,
  copy: "/nowhere",
};

async function read(settings: Partial<PrefixSourceSettings>, stop?: AbortSignal): Promise<string[]> {
  const { prefixes } = await readPrefixSource({ ...DEFAULTS, ...settings }, stop);
  return prefixes.map(formatPrefix);
}

async function serve(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe("a URL", () => {
  test("is fetched: plain, compressed on the way, and compressed as a file", async (t) => {
    const url = await serve(t, ({ url, headers }, response) => {
      assert.match(headers.accept ?? "", /^text\/plain/);
      if (url === "/plain") response.end("192.0.2.0/24\r\n198.51.100.0/24");
      else if (url === "/encoded")
        response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync("192.0.2.0/25\n"));
      else response.end(gzipSync("192.0.2.0/26\n"));
    });
    assert.deepEqual(await read({ from: `${url}/plain` }), ["192.0.2.0/24", "198.51.100.0/24"]);
    assert.deepEqual(await read({ from: `${url}/encoded` }), ["192.0.2.0/25"]);
    assert.deepEqual(await read({ from: `${url}/list.gz` }), ["192.0.2.0/26"]);
  });

  test("a map of an ALTO server is asked for by its media type", async (t) => {
    const url = await serve(t, ({ headers }, response) => {
      assert.match(headers.accept ?? "", /^application\/alto-networkmap\+json/);
      response.end('{"network-map":{"a":{"ipv4":["192.0.2.0/24"]}}}');
    });
    assert.deepEqual(await read({ from: url, format: "alto" }), ["192.0.2.0/24"]);
  });

  test("redirects are followed on the same host and port, a few times", async (t) => {
    const other = await serve(t, (_, response) => response.end("192.0.2.0/24\n"));
    const url = await serve(t, ({ url }, response) => {
      if (url === "/a") response.writeHead(302, { location: "/b" }).end();
      else if (url === "/b") response.end("192.0.2.0/24\n");
      else if (url === "/elsewhere") response.writeHead(301, { location: other }).end();
      else response.writeHead(302, { location: "/loop" }).end();
    });
    assert.deepEqual(await read({ from: `${url}/a` }), ["192.0.2.0/24"]);
    await assert.rejects(read({ from: `${url}/loop` }), { message: "too many redirects" });
    await assert.rejects(read({ from: `${url}/elsewhere` }), { message: "address" });
  });

  test("failures have a reason, without what may be a secret", async (t) => {
    const url = await serve(t, ({ url }, response) => {
      if (url?.startsWith("/cut")) {
        response
          .writeHead(200, { "content-length": "1000" })
          .write("192.0.2.0/24\n", () => response.destroy());
      } else if (url?.startsWith("/damaged"))
        response.end(gzipSync("192.0.2.0/24\n".repeat(1000)).subarray(0, 40));
      else response.writeHead(503).end("192.0.2.0/24\n");
    });
    const host = url.slice("http://".length);
    await assert.rejects(read({ from: `${url}/x?token=hidden` }), {
      message: "127.0.0.1 answers with status 503",
    });
    await assert.rejects(read({ from: `${url}/cut?token=hidden` }), { message: `${host}: cut` });
    await assert.rejects(read({ from: `${url}/damaged` }), { message: "damaged gzip data" });
    await assert.rejects(read({ from: "http://127.0.0.1:1/?token=hidden" }), {
      message: "127.0.0.1:1: refused",
    });
  });

  test("limits: size, also of what is compressed, prefixes, and time", async (t) => {
    const url = await serve(t, ({ url }, response) => {
      if (url === "/bomb") response.end(gzipSync(Buffer.alloc(64 * MEBIBYTE, "\n")));
      else if (url === "/endless") {
        const more = () => response.write("# on and on\n".repeat(1000), () => setImmediate(more));
        more();
      } else if (url === "/slow") response.write("192.0.2.0/24\n");
      else response.end(Array.from({ length: 300 }, (_, i) => `10.${i % 256}.${i >> 8}.0/24\n`).join(""));
    });
    const larger = { message: "larger than max_size, 1 MiB" };
    await assert.rejects(read({ from: `${url}/bomb` }), larger);
    await assert.rejects(read({ from: `${url}/endless` }), larger);
    await assert.rejects(read({ from: `${url}/many`, maxPrefixes: 299 }), /more prefixes than max_prefixes/);
    await assert.rejects(read({ from: `${url}/slow`, timeout: 1 }), {
      message: "no complete answer within 1 seconds",
    });
  });

  test("is stopped", async (t) => {
    const stop = new AbortController();
    const url = await serve(t, (_, response) => response.write("192.0.2.0/24\n", () => stop.abort()));
    await assert.rejects(read({ from: url }, stop.signal), { name: "AbortError" });
  });
});

describe("a command", () => {
  const sh = (script: string, ...args: string[]) => ({ from: ["/bin/sh", "-c", script, ...args] });

  test("is run without a shell, without this process's environment", async (t) => {
    process.env.BTRT_TEST_SECRET = "203.0.113.0/24";
    t.after(() => delete process.env.BTRT_TEST_SECRET);
    assert.deepEqual(await read({ from: ["/bin/echo", "-n", "192.0.2.0/24 # $HOME; `id` *"] }), [
      "192.0.2.0/24",
    ]);
    assert.deepEqual(await read(sh("env | sed 's/^/#/'; echo 192.0.2.0/24")), ["192.0.2.0/24"]);
    await assert.rejects(read(sh("echo $BTRT_TEST_SECRET")), { message: "no prefixes" });
  });

  test("has no descriptors of this process: no file and no socket", async (t) => {
    await serve(t, () => {});
    const directory = mkdtempSync(join(tmpdir(), "btrt-command-"));
    const file = join(directory, "open");
    const descriptor = openSync(file, "w");
    t.after(() => {
      closeSync(descriptor);
      rmSync(directory, { recursive: true });
    });
    const listed = join(directory, "listed");
    assert.deepEqual(await read(sh(`ls -l /proc/self/fd >${listed}; echo 192.0.2.0/24`)), ["192.0.2.0/24"]);
    const open = readFileSync(listed, "utf8");
    assert.match(open, / 2 -> /);
    // Node connects standard error with a socket.
    assert.doesNotMatch(open, new RegExp(`([3-9]|\\d\\d) -> (socket:|${file})`));
  });

  test("failures have a reason", async () => {
    await assert.rejects(read({ from: ["/nonexistent/birdc"] }), /cannot be run: spawn .* ENOENT/);
    await assert.rejects(read(sh("echo 192.0.2.0/24; exit 1")), { message: "/bin/sh: exit code 1" });
    await assert.rejects(
      read(sh("echo 192.0.2.0/24; printf '\\033]0;x\\007no socket\\nmore\\n' >&2; exit 2")),
      {
        message: "/bin/sh: exit code 2: ?]0;x?no socket",
      },
    );
    await assert.rejects(read(sh("kill -TERM $$")), { message: "/bin/sh: killed by SIGTERM" });
  });

  test("one that does not end, or prints too much, is killed with what it started", async (t) => {
    const directory = mkdtempSync(join(tmpdir(), "btrt-command-"));
    t.after(() => rmSync(directory, { recursive: true }));
    const file = join(directory, "pid");
    writeFileSync(file, "");
    const isAlive = () => {
      const pid = Number(readFileSync(file, "utf8"));
      assert.notEqual(pid, 0);
      try {
        return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
      } catch {
        return false;
      }
    };
    await assert.rejects(read({ ...sh(`sleep 1000 & echo $! >${file}; wait`), timeout: 1 }), {
      message: "no complete answer within 1 seconds",
    });
    await until("its child has ended", () => !isAlive());
    await assert.rejects(read(sh(`sleep 1000 & echo $! >${file}; yes '# on and on'`)), {
      message: "larger than max_size, 1 MiB",
    });
    await until("its child has ended", () => !isAlive());
  });
});
