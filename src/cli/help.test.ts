import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { expect, test } from "vitest";

/** Every `…Command` that a file of this folder exports; main.ts would run. */
async function commands(): Promise<[file: string, command: Command][]> {
  const files = readdirSync(import.meta.dirname).filter((name) => /^(?!main\.)[\w-]+\.ts$/.test(name));
  const found: [string, Command][] = [];
  for (const file of files) {
    for (const [name, make] of Object.entries(
      await import(/* @vite-ignore */ join(import.meta.dirname, file)),
    )) {
      if (name.endsWith("Command") && typeof make === "function") found.push([file, make()]);
    }
  }
  return found;
}

test("every command explains itself: what it does, every option, and examples that begin with its name", async () => {
  const all = await commands();
  expect(all.map(([, command]) => command.name())).toEqual(
    expect.arrayContaining(["status", "members", "neighbors", "publish", "tail", "kill", "leave"]),
  );
  for (const [file, command] of all) {
    let help = "";
    command.configureOutput({
      writeOut: (text) => {
        help += text;
      },
    });
    command.outputHelp();
    const [, examples] = help.split("\nExamples:\n");
    expect(examples, file).toContain(`$ grapevine ${command.name()}`);
    expect(command.description(), file).not.toBe("");
    for (const { long, description } of command.options) expect(description, `${file} ${long}`).not.toBe("");
    for (const argument of command.registeredArguments) expect(argument.description, file).not.toBe("");
  }
});

test("commands that print have --json", async () => {
  const silent = new Set(["seed", "peer", "cluster", "trace", "state", "act", "compare"]); // they log, or their subcommands print
  for (const [file, command] of await commands()) {
    if (silent.has(command.name())) continue;
    expect(
      command.options.map(({ long }) => long),
      file,
    ).toContain("--json");
  }
});
