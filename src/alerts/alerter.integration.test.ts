import assert from "node:assert/strict";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { type TestContext, test } from "node:test";
import { MailServer } from "../../test/support/mail-server.ts";
import { Alerter } from "./alerter.ts";
import { makeChannels } from "./channels.ts";

const TIMES = { afterMs: 0, repeatMs: 86_400_000, maxPerHour: 10 };
const ORIGIN = { hostName: "tracker.example", version: "1.2.3" };
const SILENT = { sent: () => {}, failed: () => {} };

/** A server that keeps the bodies of requests. */
async function startWebhook(t: TestContext) {
  const received: unknown[] = [];
  const hook = { url: "", received, status: 200 };
  const server = createServer(async (request, response) => {
    const body = await text(request);
    if (hook.status === 200) received.push(JSON.parse(body));
    response.writeHead(hook.status, { Location: "/elsewhere" }).end("x".repeat(200_000));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  t.after(() => server.closeAllConnections());
  const address = server.address();
  if (address !== null && typeof address !== "string") hook.url = `http://127.0.0.1:${address.port}/secret`;
  return hook;
}

function mailTo(port: number, ...to: string[]) {
  const sender = { from: "btrt@tracker.example", user: null, password: null };
  return { to, server: `smtp://127.0.0.1:${port}`, ...sender };
}

test("a warning reaches the webhook and every address", { timeout: 300_000 }, async (t) => {
  const hook = await startWebhook(t);
  const mailServer = await MailServer.start(t);
  const alerter = new Alerter(ORIGIN, SILENT);
  const settings = { webhook: hook.url, mail: mailTo(mailServer.port, "a@example.net", "b@example.net") };
  alerter.adopt(makeChannels(settings), TIMES);
  await alerter.check(['The neighbor "ü" does not answer.\nX-Evil: 1'], 0);
  const [body] = hook.received as { text: string; host: string; raised: string[] }[];
  assert.equal(body.host, "tracker.example");
  assert.deepEqual(body.raised, ['The neighbor "ü" does not answer.\nX-Evil: 1']);
  assert.match(body.text, /^\[btrt tracker\.example\] The neighbor "ü" does not answer\./);
  const [mail] = mailServer.mails;
  assert.deepEqual(mail.to, ["a@example.net", "b@example.net"]);
  assert.match(mail.text, /^From: btrt@tracker\.example\r$/m);
  assert.match(mail.text, /^Auto-Submitted: auto-generated\r$/m);
  assert.doesNotMatch(mail.text.split("\r\n\r\n")[0], /^X-Evil/m, "a warning adds no header");
  assert.deepEqual(
    alerter.channels.map(({ name, target, sent, failure }) => [name, target, sent, failure]),
    [
      ["webhook", new URL(hook.url).host, 1, null],
      ["mail", "a@example.net, b@example.net", 1, null],
    ],
  );
});

test("a channel that fails is tried again, later each time, and delays no other", {
  timeout: 300_000,
}, async (t) => {
  const hook = await startWebhook(t);
  const mailServer = await MailServer.start(t);
  const failures: string[] = [];
  const alerter = new Alerter(ORIGIN, { ...SILENT, failed: (channel) => failures.push(channel) });
  alerter.adopt(makeChannels({ webhook: hook.url, mail: mailTo(mailServer.port, "a@example.net") }), TIMES);
  hook.status = 302;
  await alerter.check(["full"], 0);
  assert.equal(mailServer.mails.length, 1);
  assert.match(alerter.channels[0].failure ?? "", /replied with HTTP 302/, "a redirect is not followed");
  await alerter.check(["full"], 9000);
  assert.equal(alerter.channels[0].failed, 1, "backing off");
  await alerter.check(["full"], 10_000);
  await alerter.check(["full"], 29_000);
  assert.equal(alerter.channels[0].failed, 2);
  hook.status = 200;
  await alerter.check(["full", "odd", "Alerts cannot be sent by webhook: x"], 30_000);
  assert.deepEqual(
    (hook.received as { raised: string[] }[]).map(({ raised }) => raised.slice(0, 2)),
    [["full", "odd"]],
  );
  assert.deepEqual(failures, ["webhook"]);
  mailServer.isRefusing = true;
  await alerter.check(["full", "new"], 100_000);
  assert.match(alerter.channels[1].failure ?? "", /550 no such user|rejected/);
  alerter.adopt(makeChannels({ webhook: hook.url, mail: null }), TIMES);
  await alerter.check(["full", "odd", "new"], 200_000);
  assert.equal(hook.received.length, 2, "a reload sends nothing again");
});

test("a password is not sent to a server without TLS", { timeout: 300_000 }, async (t) => {
  const mailServer = await MailServer.start(t);
  const alerter = new Alerter(ORIGIN, SILENT);
  const mail = { ...mailTo(mailServer.port, "a@example.net"), user: "btrt", password: "secret" };
  alerter.adopt(makeChannels({ webhook: null, mail }), TIMES);
  await alerter.check(["full"], 0);
  assert.deepEqual([mailServer.mails.length, alerter.channels[0].failed], [0, 1]);
});
