/** Requests to the admin listener, also such that no browser sends. */
import { request } from "node:http";
import { text } from "node:stream/consumers";
import { type Status, statusSchema } from "../../src/admin/status.ts";

/** The reply. */
export interface AdminAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** The options of a request other than a plain GET. */
export interface AdminQuestion {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** @param url of the listener, with the path. */
export function askAdmin(
  url: string,
  { method = "GET", headers = {}, body }: AdminQuestion = {},
): Promise<AdminAnswer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, agent: false, timeout: 60_000 }, (response) => {
      text(response).then(
        (content) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: content }),
        reject,
      );
    });
    sent.on("error", reject).on("timeout", () => sent.destroy(new Error(`no answer from ${url}`)));
    sent.end(body);
  });
}

/** Requests the status. @param url of the listener. @throws Error if it is refused, or has an undocumented field. */
export async function askStatus(url: string): Promise<Status> {
  const { status, body } = await askAdmin(`${url}api/v1/status`);
  if (status !== 200) throw new Error(`HTTP ${status} from ${url}: ${body}`);
  return statusSchema.strict().parse(JSON.parse(body));
}

/** The values of metrics by name and labels, as written: `name{label="value"}`. */
export function readMetrics(text: string): Map<string, number> {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => {
      const space = line.lastIndexOf(" ");
      return [line.slice(0, space), Number(line.slice(space + 1))];
    }),
  );
}
