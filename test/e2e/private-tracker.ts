/**
 * A program that replaces a private tracker. It identifies its members by a passkey in the path, and keeps accounts of
 * their reports. Arguments: address, port. `GET /accounts` returns all accounts.
 */
import { createServer } from "node:http";
import { bencode } from "../support/bencode.ts";
import { MEMBER_TORRENTS } from "./member-torrents.ts";

/** The account of one member. Bytes are sums of increments over all downloads. */
export interface Account {
  uploaded: number;
  downloaded: number;
  started: number;
  completed: number;
  stopped: number;
  /** Downloads that have started and not stopped. */
  active: number;
}

/** One download of a member, as last announced. */
interface Session {
  readonly uploaded: number;
  readonly downloaded: number;
}

const [host, port] = process.argv.slice(2);
const accounts = new Map<string, Account>();
const sessions = new Map<string, Session>();

/** @returns the member's mistake, if any. */
function announce(passkey: string, query: URLSearchParams, raw: string): string | undefined {
  const [, hash = ""] = /(?:^|&)info_hash=([^&]*)/.exec(raw) ?? [];
  const key = query.get("key");
  if (!/^member-\d+$/.test(passkey)) return "no member";
  if (!MEMBER_TORRENTS.includes(hash) || query.get("secret") !== `${passkey} `)
    return "not what the member wrote";
  const account = accounts.get(passkey) ?? {
    uploaded: 0,
    downloaded: 0,
    started: 0,
    completed: 0,
    stopped: 0,
    active: 0,
  };
  accounts.set(passkey, account);
  const id = `${passkey} ${hash} ${key}`;
  const said = { uploaded: Number(query.get("uploaded")), downloaded: Number(query.get("downloaded")) };
  const before = sessions.get(id) ?? { uploaded: 0, downloaded: 0 };
  if (said.uploaded < before.uploaded || said.downloaded < before.downloaded) return "sums that shrink";
  account.uploaded += said.uploaded - before.uploaded;
  account.downloaded += said.downloaded - before.downloaded;
  sessions.set(id, said);
  const event = query.get("event");
  if (event === "started") {
    account.started++;
    account.active++;
  } else if (event === "completed") account.completed++;
  else if (event === "stopped") {
    account.stopped++;
    account.active--;
    sessions.delete(id);
  }
  return undefined;
}

createServer((request, response) => {
  const [path, raw = ""] = (request.url ?? "").split("?");
  if (path === "/accounts") {
    response.end(
      JSON.stringify(Object.fromEntries([...accounts].toSorted(([a], [b]) => a.localeCompare(b)))),
    );
    return;
  }
  const failure = announce(path.split("/")[1], new URLSearchParams(raw), raw);
  const answer = failure === undefined ? { interval: 1800, peers: "" } : { "failure reason": failure };
  if (failure !== undefined) console.log(failure, request.url);
  response.end(Buffer.from(bencode(answer), "latin1"));
}).listen(Number(port), host, () => console.log("listening"));
