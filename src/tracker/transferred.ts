/** What follows from the sums of bytes that a client reports. */
import { ANNOUNCE_EVENT, type AnnounceRequest, TRANSFERRED } from "../model/announce.ts";

/** Whether the client says that it starts, or has transferred nothing since it did. */
export function isFresh({ event, transferred }: AnnounceRequest): boolean {
  if (event === ANNOUNCE_EVENT.started) return true;
  if (event !== ANNOUNCE_EVENT.none) return false;
  return transferred[TRANSFERRED.downloaded] <= 0 && transferred[TRANSFERRED.uploaded] <= 0;
}

/** Whether the client says that it has sent something, and does not only now start. */
export function hasUploaded({ event, transferred }: AnnounceRequest): boolean {
  return transferred[TRANSFERRED.uploaded] > 0 && event !== ANNOUNCE_EVENT.started;
}
