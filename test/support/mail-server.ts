/** A mail server that keeps what it gets (RFC 5321), without TLS. */
import { createServer, type Socket } from "node:net";
import type { TestContext } from "node:test";

/** A mail server on loopback. */
export class MailServer {
  port = 0;
  /** The recipients and the text of each mail. */
  readonly mails: { readonly to: readonly string[]; readonly text: string }[] = [];
  /** Whether it refuses recipients. */
  isRefusing = false;

  /** Listens until the test is over. */
  static async start(t: TestContext): Promise<MailServer> {
    const mailServer = new MailServer();
    const server = createServer((socket) => mailServer.#serve(socket));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    t.after(() => server.close());
    const address = server.address();
    if (address !== null && typeof address !== "string") mailServer.port = address.port;
    return mailServer;
  }

  #serve(socket: Socket): void {
    let input = "";
    let isData = false;
    let to: string[] = [];
    const reply = (line: string) => socket.write(`${line}\r\n`);
    const command = (line: string) => {
      const isRecipient = /^RCPT TO:/i.test(line);
      isData = /^DATA/i.test(line);
      if (isRecipient && !this.isRefusing) to.push(line.replace(/^RCPT TO:<(.*)>.*/i, "$1"));
      if (isRecipient && this.isRefusing) reply("550 no such user");
      else if (/^STARTTLS/i.test(line)) reply("502 not here");
      else reply(isData ? "354 go on" : /^QUIT/i.test(line) ? "221 bye" : "250 ok");
    };
    const take = (end: string): string | undefined => {
      const at = input.indexOf(end);
      if (at === -1) return undefined;
      const taken = input.slice(0, at);
      input = input.slice(at + end.length);
      return taken;
    };
    socket.setEncoding("utf8").on("error", () => {});
    socket.on("data", (text: string) => {
      input += text;
      for (
        let part = take(isData ? "\r\n.\r\n" : "\r\n");
        part !== undefined;
        part = take(isData ? "\r\n.\r\n" : "\r\n")
      ) {
        if (!isData) command(part);
        else {
          this.mails.push({ to, text: part });
          to = [];
          isData = false;
          reply("250 kept");
        }
      }
    });
    reply("220 test");
  }
}
