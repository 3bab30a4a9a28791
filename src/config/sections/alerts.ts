/** `alerts`: where the warnings of the status page are sent. */
import { z } from "zod";
import { expected, filePath, integer, list, optional, rule, section, text } from "../fields.ts";

/** Mail addresses in `alerts.mail.to`. */
const ADDRESSES_LIMIT = 20;

const url = (protocols: readonly string[], what: string) =>
  text().refine((value) => URL.canParse(value) && protocols.includes(new URL(value).protocol), {
    error: `must be ${what}`,
  });

const addressError = expected("a mail address such as noc@example.net");
const address = z
  .string({ error: addressError })
  .max(254, { error: addressError })
  .regex(/^[^\s@<>,;]+@[^\s@<>,;]+$/, { error: addressError });

const mail = section(
  {
    to: list(address, ADDRESSES_LIMIT).meta({
      description: "The addresses that get mail. Without any, no mail is sent.",
      examples: [["noc@example.net"]],
    }),
    from: optional(address).meta({
      description: "The address of the sender. Without it: btrt@ and the name of this machine.",
      examples: ["btrt@example.net"],
    }),
    server: url(
      ["smtp:", "smtps:"],
      'a mail server such as "smtp://mail.example.net:25" or "smtps://mail.example.net"',
    )
      .default("smtp://localhost:25")
      .describe("The mail server. smtp uses TLS if the server offers it; with a user it requires TLS."),
    user: optional(text()).meta({
      description: "The user name on the mail server, if it needs one.",
      examples: ["btrt"],
    }),
    password_file: optional(filePath).meta({
      description: "A file with the user's password.",
      examples: ["/etc/btrt/mail_password"],
    }),
  },
  rule(["user", "password_file"], ({ user, password_file }) =>
    (user === null) === (password_file === null)
      ? undefined
      : "goes with password_file: both or neither must be there",
  ),
);

/** Channels, and limits that hold for each of them. */
export const alerts = section({
  webhook: optional(url(["http:", "https:"], 'a URL such as "https://hooks.example.net/btrt"')).meta({
    description: "A URL that gets each alert as JSON, with POST. Slack and Mattermost show its text.",
    examples: ["https://hooks.example.net/btrt"],
  }),
  mail: mail.describe("Alerts by mail."),
  after: integer(0, 86_400)
    .default(60)
    .describe("Seconds that a warning must last before it is sent. Its end is sent after the same time."),
  repeat_interval: integer(60, 2_592_000)
    .default(86_400)
    .describe("Seconds after which a warning that lasts, or comes back, is sent again."),
  max_per_hour: integer(1, 1000)
    .default(12)
    .describe("Messages per hour and channel. Further warnings wait, and are sent together."),
});
