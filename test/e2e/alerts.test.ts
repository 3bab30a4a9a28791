/** Alerts of a real tracker, and the command that tries them. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { askStatus } from "../support/ask-admin.ts";
import { Bed, until } from "../support/bed.ts";
import { freePort } from "../support/free-port.ts";
import { MailServer } from "../support/mail-server.ts";
import { runBtrt, TrackerProcess } from "../support/tracker-process.ts";

test("a tracker mails its warnings, and says when they are over", { timeout: 300_000 }, async (t) => {
  const bed = await Bed.open(t);
  const mailServer = await MailServer.start(t);
  const config = `listen: { http: ["127.0.0.1:0"], udp: ["127.0.0.1:0"] }
alerts: { after: 0, mail: { to: ["noc@example.net"], server: "smtp://127.0.0.1:${mailServer.port}" } }
`;
  const tracker = await TrackerProcess.start(bed, config);
  await until("the warning is mailed", () => mailServer.mails.length === 1);
  assert.match(mailServer.mails[0].text, /There are no peer groups/);
  await tracker.reload(`${config}peer_groups: [{ name: ours, priority: 0, cidr_list: ["10.0.0.0/8"] }]\n`);
  await until("its end is mailed", () => mailServer.mails.length === 2);
  assert.match(mailServer.mails[1].text, /Is over:/);
  // The mail server has a mail before it acknowledges it.
  const channel = async () => (await askStatus(tracker.admin)).alerts[0];
  await until("both are counted", async () => (await channel()).sent === 2);
  const { name, target } = await channel();
  assert.deepEqual([name, target], ["mail", "noc@example.net"]);
});

test("btrt alert --test tries every channel, and says which one fails", { timeout: 300_000 }, async (t) => {
  const bed = await Bed.open(t);
  const mailServer = await MailServer.start(t);
  const run = async (alerts: string) => {
    await writeFile(bed.path("a.conf"), `alerts: ${alerts}\n`);
    const command = runBtrt(bed, ["alert", "--test", "--config", bed.path("a.conf")]);
    const code = await command.ended;
    return { code, ...{ stdout: command.stdout, stderr: command.stderr } };
  };
  const mail = `mail: { to: [noc@example.net], server: "smtp://127.0.0.1:${mailServer.port}" }`;
  const good = await run(`{ ${mail} }`);
  assert.deepEqual([good.code, good.stderr], [0, ""]);
  assert.equal(good.stdout, "mail: a test was sent to noc@example.net\n");
  assert.match(mailServer.mails[0].text, /This is a test/);
  const dead = `127.0.0.1:${await freePort()}`;
  const half = await run(`{ ${mail}, webhook: "http://${dead}/secret" }`);
  assert.equal(half.code, 1);
  assert.match(
    half.stderr,
    new RegExp(`^btrt: webhook: a test could not be sent to ${dead}: .*ECONNREFUSED.*\n$`),
  );
  assert.doesNotMatch(half.stderr, /secret/);
  assert.equal(mailServer.mails.length, 2);
  const none = await run("{}");
  assert.deepEqual([none.code, none.stderr.includes("set alerts.webhook or alerts.mail.to")], [1, true]);
});
