/** Shared by TCP and UDP listeners. */
import type { AddressInfo } from "node:net";
import { type Binding, lacksIPv6 } from "../binding.ts";
import type { ListenAddress } from "../engine.ts";

/**
 * Opens a socket. Where the machine has no IPv6, `::` becomes `0.0.0.0`.
 * @throws the error of `open`.
 */
export async function openOrFallBack<Opened>(
  binding: Binding,
  open: (binding: Binding) => Promise<Opened>,
): Promise<Opened> {
  try {
    return await open(binding);
  } catch (error) {
    if (binding.host !== "::" || !lacksIPv6(error)) throw error;
    return await open({ ...binding, host: "0.0.0.0", ipv6Only: false });
  }
}

/** The bound address. @throws Error if there is none. */
export function listenAddressOf(bound: AddressInfo | string | null): ListenAddress {
  if (bound === null || typeof bound === "string") throw new Error("not listening on an address");
  return { host: bound.address, port: bound.port };
}
