/** Where the configuration is. */
import { resolve } from "node:path";

/** Where a package puts it, and every command looks for it unless `--config` says otherwise. */
export const CONFIG_FILE = "/etc/btrt/btrt.conf";

/** Whether a configuration is the one that the service reads. */
export function isInstalled(configFile: string): boolean {
  return resolve(configFile) === CONFIG_FILE;
}
