/** Conclusions from the totals of bytes that a client reports. */
import { ANNOUNCE_EVENT, type AnnounceRequest, TRANSFERRED } from "../model/announce.ts";

/** Whether the client has just started, or reports no transfer since its start. */
export function isFresh({ event, transferred }: AnnounceRequest): boolean {
  if (event === ANNOUNCE_EVENT.started) return true;
  if (event !== ANNOUNCE_EVENT.none) return false;
  return transferred[TRANSFERRED.downloaded] <= 0 && transferred[TRANSFERRED.uploaded] <= 0;
}

/** Whether the client reports uploaded bytes, and has not just started. */
export function hasUploaded({ event, transferred }: AnnounceRequest): boolean {
  return transferred[TRANSFERRED.uploaded] > 0 && event !== ANNOUNCE_EVENT.started;
}
