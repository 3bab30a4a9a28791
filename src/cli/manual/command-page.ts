/** Generates the manual page btrt(8) from the definitions of the commands. */
import type { Argument, Command, Option } from "commander";
import { VERSION } from "../../platform/version.ts";
import { bold, entry, escapeText, example, heading, indented, page, title } from "./roff.ts";

const FILES: readonly (readonly [string, string])[] = [
  ["/etc/btrt/btrt.conf", "The configuration, see btrt.conf(5)."],
  ["/etc/btrt/btrt.conf.default", "Every configuration key with its default and its description."],
  ["/var/lib/btrt", "The embedded database, if the configuration selects this directory."],
  ["/var/log/btrt", "The log files, if the configuration selects this directory."],
];

const SIGNALS: readonly (readonly [string, string])[] = [
  [
    "SIGTERM, SIGINT",
    "The running tracker answers the requests that it has accepted, saves everything, and exits.",
  ],
  [
    "SIGHUP",
    "The running tracker reads the configuration again. If there is a mistake, the old configuration stays in force, and the log reports it.",
  ],
];

const ENVIRONMENT: readonly (readonly [string, string])[] = [
  ["BTRT_DATABASE_PASSWORD", "The password of database.user. It takes precedence over the configuration."],
  ["NO_COLOR", "If set, the output has no colours."],
];

/** The page in roff. @param examples one per line. */
export function commandPage(program: Command, examples: string): string {
  const pairs = (list: readonly (readonly [string, string])[]) =>
    list.flatMap(([term, text]) => entry(bold(term), escapeText(text)));
  return page([
    title("btrt", 8, VERSION, "System Administration"),
    ...heading("name", `btrt \\- ${escapeText(lowerFirst(program.description()).replace(/\.$/, ""))}`),
    ...heading("synopsis", `${bold("btrt")} ${escapeText(program.usage())}`),
    ...heading(
      "description",
      escapeText(
        "BTRT is a BitTorrent tracker for internet operators. Subscribers' clients announce to it. It returns the peers " +
          "that are cheapest for the network first: the operator's own subscribers, then partners' subscribers, then " +
          "everybody else.",
      ),
    ),
    ...heading("commands", ...program.commands.flatMap((command) => describeCommand(command, "btrt"))),
    ...heading("files", ...pairs(FILES)),
    ...heading("signals", ...pairs(SIGNALS)),
    ...heading("environment", ...pairs(ENVIRONMENT)),
    ...heading("exit status", "0, or 1 for an error. Errors are reported on standard error."),
    ...heading("examples", ...example(examples)),
    ...heading("see also", `${bold("btrt.conf")}(5)`),
  ]);
}

/** A command with its options; subcommands each by themselves. */
function describeCommand(command: Command, parent: string): string[] {
  const name = `${parent} ${command.name()}`;
  const inner = command.commands;
  if (inner.length > 0) return inner.flatMap((each) => describeCommand(each, name));
  const words = [bold(name), ...command.options.map(brief), ...command.registeredArguments.map(operand)];
  return entry(
    words.join(" "),
    sentence(command.description()),
    ...indented(
      command.options.flatMap((option) =>
        entry(bold(written(option.flags)), sentence(describeOption(option))),
      ),
    ),
  );
}

function brief({ flags, mandatory }: Option): string {
  return mandatory ? escapeText(written(flags)) : `[${escapeText(written(flags))}]`;
}

/** Flags without angle brackets, as usual in manuals. */
function written(flags: string): string {
  return flags.replaceAll(/[<>]/g, "");
}

function operand(argument: Argument): string {
  return escapeText(argument.name());
}

function describeOption({ description, defaultValue, argChoices }: Option): string {
  const choices = argChoices === undefined ? "" : `: ${argChoices.join(", ")}`;
  const byDefault = defaultValue === undefined ? "" : ` (${[defaultValue].flat().join(" ")})`;
  return `${description}${choices}${byDefault}`;
}

function sentence(text: string): string {
  return `${escapeText(text.charAt(0).toUpperCase() + text.slice(1))}.`;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
