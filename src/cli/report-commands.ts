/** The commands for what goes to others than the operator: reports and alerts. */
import { type Command, Option } from "commander";
import { REPORT_FORMATS } from "../admin/report/formats.ts";
import type { ReportOptions } from "./report.ts";

/** Adds `btrt report` and `btrt alert`. @param result gets the exit code of the command that is executed. */
export function addReportCommands(
  program: Command,
  configOption: () => Option,
  result: { exitCode: number },
): void {
  program
    .command("report")
    .summary("write the monthly report of avoided external traffic")
    .description(
      "write how much external traffic was avoided in a month: by day and peer group, in bytes, at the peak, and in money if " +
        "report.price_per_mbit is set. The HTML is one file, and prints to a page",
    )
    .option("--month <YYYY-MM>", "the month, in UTC (the current one)")
    .addOption(new Option("--format <FORMAT>", "the format").choices(REPORT_FORMATS).default("html"))
    .addOption(configOption())
    .addOption(new Option("--defaults", "query a tracker that runs with --defaults").conflicts("config"))
    .action(async (options: { config: string; defaults?: true } & ReportOptions) => {
      const { report } = await import("./report.ts");
      result.exitCode = await report(options.defaults ? undefined : options.config, options);
    });
  program
    .command("alert")
    .summary("show the channels for alerts, or send a test")
    .description(
      "show the channels over which the running tracker sends its warnings, and the warnings now. With --test, send a test " +
        "message over each channel of the configuration, without the tracker. The exit code is 1 if one cannot be sent",
    )
    .addOption(configOption())
    .option("--test", "send a test message")
    .action(async (options: { config: string; test?: true }) => {
      const { alert } = await import("./alert.ts");
      result.exitCode = await alert(options.config, options.test ?? false);
    });
}
