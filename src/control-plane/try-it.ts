/** The text printed when the tracker is started without a configuration. */

import type { ListenAddress } from "../engine/engine.ts";
import { formatHostPort } from "../model/address-text.ts";

/** Returns the first steps. @param page the admin page's URL. */
export function tryIt({ host, port }: ListenAddress, page: string): string {
  const at = formatHostPort({ host: host === "::" || host === "0.0.0.0" ? "127.0.0.1" : host, port });
  const query = "info_hash=aaaaaaaaaaaaaaaaaaaa&port=6881&left=0";
  return `
Try it: announce two peers. The second one gets the first:

  curl 'http://${at}/announce?${query}'
  curl --output - 'http://${at}/announce?info_hash=aaaaaaaaaaaaaaaaaaaa&port=6882&left=1&compact=0'

or put http://${at}/announce into a torrent as its tracker. The status page is ${page}
Ctrl-C stops the tracker.
`;
}
