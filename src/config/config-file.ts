/** Where packages have the configuration. */
import { resolve } from "node:path";

/** The path that packages install, and the default of `--config`. */
export const CONFIG_FILE = "/etc/btrt/btrt.conf";

/** Whether a configuration file is the one that the service reads. */
export function isInstalled(configFile: string): boolean {
  return resolve(configFile) === CONFIG_FILE;
}
