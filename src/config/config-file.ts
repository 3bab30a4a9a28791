/** Where packages have the configuration, and the user of the service. */
import { resolve } from "node:path";

/** The path that packages install, and the default of `--config`. */
export const CONFIG_FILE = "/etc/btrt/btrt.conf";

/** The user and group as which packages run the service. */
export const SERVICE_USER = "btrt";

/** Whether a configuration file is the one that the service reads. */
export function isInstalled(configFile: string): boolean {
  return resolve(configFile) === CONFIG_FILE;
}
