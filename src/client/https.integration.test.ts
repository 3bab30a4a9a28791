import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { createServer, getCACertificates, type Server, setDefaultCACertificates } from "node:tls";
import { GOOD_REPLY } from "../../test/support/hostile-tracker.ts";
import { answerOf, assertFailed } from "../../test/support/outcomes.ts";
import { parseAddress } from "../model/address-text.ts";
import { TrackerClient } from "./tracker-client.ts";

/** A certificate that has signed itself, for this name. */
function makeCertificate(name: string): { key: Buffer; cert: Buffer } {
  const directory = mkdtempSync(join(tmpdir(), "btrt-https-"));
  const [key, cert] = ["key", "cert"].map((file) => join(directory, file));
  const form = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  const subject = ["-subj", `/CN=${name}`, "-addext", `subjectAltName=DNS:${name}`];
  execFileSync("openssl", ["req", "-x509", ...form, ...subject, "-keyout", key, "-out", cert], {
    stdio: "pipe",
  });
  const made = { key: readFileSync(key), cert: readFileSync(cert) };
  rmSync(directory, { recursive: true });
  return made;
}

describe("announcing over HTTPS", () => {
  const certificate = makeCertificate("tracker.example");
  const trusted = getCACertificates("default");
  let server: Server;
  let client: TrackerClient;
  let port = 0;

  before(async () => {
    server = createServer(certificate, (socket) => {
      socket.on("error", () => {});
      const head = `HTTP/1.1 200 OK\r\nContent-Length: ${GOOD_REPLY.length}\r\nConnection: close\r\n\r\n`;
      socket.once("data", () => socket.end(Buffer.concat([Buffer.from(head), GOOD_REPLY])));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    assert.ok(address !== null && typeof address !== "string");
    port = address.port;
    client = new TrackerClient({
      guard: () => true,
      refuseLowPorts: false,
      timeoutMs: 60_000,
      maxInFlight: 10,
      maxPerHost: 10,
      resolve: async () => [parseAddress("127.0.0.1")],
    });
  });

  after(async () => {
    setDefaultCACertificates(trusted);
    await client.close();
    server.close();
  });

  const announce = (host: string) => client.announce({ url: `https://${host}:${port}/announce` });

  it("says that a certificate is nobody's", async () => {
    assertFailed(await announce("tracker.example"), "tls");
  });

  it("takes one that is trusted, for the name that it is for and no other", async () => {
    setDefaultCACertificates([...trusted, certificate.cert.toString()]);
    assert.equal(answerOf(await announce("tracker.example")).interval, 1800);
    assertFailed(await announce("other.example"), "tls");
    assertFailed(await announce("127.0.0.1"), "tls");
  });
});
