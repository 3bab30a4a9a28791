/** The next steps, until the first announce. */
import type { Status } from "./live.ts";

/** Shown until the first announce. */
export function Welcome({ status }: { status: Status }) {
  const http = status.announceUrls.find((url) => url.startsWith("http:")) ?? "";
  const url = http.replace(/\/\/(\[::\]|0\.0\.0\.0)/, `//${location.hostname}`);
  return (
    <section class="welcome" aria-label="What to do next">
      <h2>There have been no announces yet. Next steps:</h2>
      <ol>
        <li>
          Check that it answers:
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
          <pre tabIndex={0}>{`curl '${url}?info_hash=aaaaaaaaaaaaaaaaaaaa&port=6881&left=0'`}</pre>
        </li>
        <li>
          List your networks under <code>peer_groups</code> in the configuration: without them no traffic is
          kept inside.
        </li>
        <li>
          Let clients find it: point the name <code>retracker.local</code> at this machine in your
          subscribers' DNS, with port 80 in <code>listen.http</code>; or put <code>{url}</code> into a torrent
          as its tracker.
        </li>
      </ol>
    </section>
  );
}
