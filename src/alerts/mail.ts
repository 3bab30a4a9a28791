/** Alerts by mail. */
import { type AlertChannel, type MailSettings, SEND_TIMEOUT_MS } from "./channel.ts";

/** Default ports of `smtp:` and `smtps:`. */
const PORTS = { "smtp:": 25, "smtps:": 465 } as const;

/** Sends each message to all addresses in one mail, over a connection of its own. */
export function mailChannel({ to, from, server, user, password }: MailSettings): AlertChannel {
  const { protocol, hostname, port } = new URL(server);
  const secure = protocol === "smtps:";
  return {
    name: "mail",
    target: to.join(", "),
    send: async ({ subject, text }) => {
      const { createTransport } = await import("nodemailer");
      const transport = createTransport({
        host: hostname.replace(/^\[(.*)\]$/, "$1"),
        port: port === "" ? PORTS[secure ? "smtps:" : "smtp:"] : Number(port),
        secure,
        // A password is never sent unencrypted.
        requireTLS: user !== null,
        ...(user !== null && { auth: { user, pass: password ?? "" } }),
        connectionTimeout: SEND_TIMEOUT_MS / 2,
        greetingTimeout: SEND_TIMEOUT_MS / 2,
        socketTimeout: SEND_TIMEOUT_MS / 2,
        disableFileAccess: true,
        disableUrlAccess: true,
      });
      const { promise: late, reject } = Promise.withResolvers<never>();
      const timer = setTimeout(() => reject(new Error("no reply in time")), SEND_TIMEOUT_MS);
      try {
        const headers = { "Auto-Submitted": "auto-generated" };
        await Promise.race([transport.sendMail({ from, to: [...to], subject, text, headers }), late]);
      } finally {
        clearTimeout(timer);
        transport.close();
      }
    },
  };
}
