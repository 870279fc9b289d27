/** `grapevine act`: does to a running network what scenarios do, one action at a time. */
import { Command } from "commander";
import { parseDuration, UsageError } from "../core/index.ts";
import { escapeText } from "../node/index.ts";
import type { Action, Selector } from "../scenario/scenario.ts";
import type { LinkSettings } from "../simulator/index.ts";
import { type ApiOptions, addApiOptions, answers, findApi, jsonText, print } from "./api-client.ts";
import { wholeNumber } from "./numbers.ts";

interface ActOptions extends ApiOptions {
  readonly json?: boolean;
}

/** Many who join take their time, as does whoever hands over what it keeps before it leaves. */
const actTimeoutMs = 150_000;

const nodesHelp = `nodes by name, with commas between them: peer-3 or peer-1,peer-2; "all peers", "all seeds", "2 peers" (drawn)`;

export function actCommand(): Command {
  return new Command("act")
    .description("Break a running network, and mend it: crash, hang, cut, slow …")
    .addCommand(onNodes("crash", "As kill -9: without a word", "Crashed"))
    .addCommand(onNodes("pause", "Hang: connections stay open, nothing is read or said", "Paused"))
    .addCommand(onNodes("resume", "Let those that hang go on", "Resumed"))
    .addCommand(onNodes("leave", "Say goodbye, and go", "Gone:"))
    .addCommand(restartCommand())
    .addCommand(joinCommand())
    .addCommand(publishCommand())
    .addCommand(partitionCommand())
    .addCommand(cutCommand())
    .addCommand(healCommand())
    .addCommand(linksCommand())
    .addCommand(slowCommand())
    .addHelpText(
      "after",
      `
Examples:
  $ grapevine act crash peer-3
  $ grapevine act pause "2 peers"
  $ grapevine act partition 0.5
  $ grapevine act cut peer-1,peer-2 peer-3
  $ grapevine act links --loss 0.1 --latency 50ms
  $ grapevine act heal
  $ grapevine tail --types crashed,suspected,dead-node,peer-removed    in another terminal: who notices, and when

A network of \`grapevine up\` takes all of them; a process of its own (\`grapevine peer\`) only what happens to its node.
The same actions in a file are a scenario: see docs/scenarios.md.
`,
    );
}

// ---- The actions ----

function onNodes(act: "crash" | "pause" | "resume" | "leave", description: string, done: string): Command {
  return subcommand(act, description, [`peer-3`, `peer-1,peer-2`, `"2 peers"`])
    .argument("<nodes>", nodesHelp)
    .action((nodes: string, options: ActOptions) =>
      perform({ do: act, node: selectorOf(nodes) }, options, done, nodes),
    );
}

function restartCommand(): Command {
  return subcommand("restart", "Start crashed nodes again", ["peer-3", "peer-3 --no-disk"])
    .argument("<nodes>", nodesHelp)
    .option("--no-disk", "without what they had on disk")
    .action((nodes: string, { disk, ...options }: ActOptions & { readonly disk: boolean }) =>
      perform({ do: "restart", node: selectorOf(nodes), keepsDisk: disk }, options, "Restarted", nodes),
    );
}

function joinCommand(): Command {
  return subcommand("join", "Let peers join", ["", "anna", "--count 20 --over 10s"])
    .argument("[name]", "the name of one peer (default: the next number)")
    .option("--count <number>", "so many peers", wholeNumber("--count", 1, 1000))
    .option("--over <duration>", "spread over this time, at most 60s")
    .action(
      (
        name: string | undefined,
        { count, over, ...options }: ActOptions & { readonly count?: number; readonly over?: string },
      ) => perform({ do: "join", name, count, over }, options, "Joined:"),
    );
}

function publishCommand(): Command {
  return subcommand("publish", "Let peers say something", [`peer-3 "hello"`, `"all peers" --messages 5`])
    .argument("<nodes>", nodesHelp)
    .argument("[text]", "what they say (default: their name and a number)")
    .option("--messages <number>", "so often each", wholeNumber("--messages", 1, 1000))
    .action(
      (
        nodes: string,
        text: string | undefined,
        { messages, ...options }: ActOptions & { readonly messages?: number },
      ) =>
        perform({ do: "publish", from: selectorOf(nodes), text, messages }, options, "Published by", nodes),
    );
}

function partitionCommand(): Command {
  return subcommand("partition", "Split the network", ["0.5", "peer-1,peer-2,seed-1", "peer-1 peer-2,peer-3"])
    .argument(
      "<parts...>",
      "a share that is split off at random, or groups of names: each is split off from the rest",
    )
    .action((parts: string[], options: ActOptions) => {
      const share = Number(parts[0]);
      const isShare = parts.length === 1 && !Number.isNaN(share);
      const action: Action = isShare
        ? { do: "partition", share }
        : { do: "partition", groups: [[], ...parts.map(selectorOf)] };
      return perform(action, options, "The network is split; `grapevine act heal` ends it.");
    });
}

function cutCommand(): Command {
  return subcommand("cut", "Cut links one way: what some say does not reach others", [
    "peer-1,peer-2 peer-3",
    `"all seeds" peer-3`,
  ])
    .argument("<from>", nodesHelp)
    .argument("<to>", "whom it does not reach")
    .action((from: string, to: string, options: ActOptions) =>
      perform(
        { do: "cut", from: selectorOf(from), to: selectorOf(to) },
        options,
        `What ${escapeText(from)} says does not reach ${escapeText(to)}; \`grapevine act heal\` ends it.`,
        from,
      ),
    );
}

function healCommand(): Command {
  return subcommand("heal", "End all partitions and cuts", [""]).action((options: ActOptions) =>
    perform({ do: "heal" }, options, "Healed."),
  );
}

function linksCommand(): Command {
  return subcommand("links", "Make all links slow or lossy from now on", [
    "--loss 0.1 --latency 50ms",
    "--latency 20ms-80ms",
    "--loss 0 --latency 0ms",
  ])
    .option("--loss <share>", "of what is sent, 0 to 1; links send it again, which takes time")
    .option("--latency <duration>", "one way; 20ms-80ms draws from between")
    .action(
      ({ loss, latency, ...options }: ActOptions & { readonly loss?: string; readonly latency?: string }) => {
        if (loss === undefined && latency === undefined)
          throw new UsageError("links: say what changes, with --loss or --latency");
        const set: Partial<LinkSettings> = {
          ...(loss === undefined ? {} : { loss: lossOf(loss) }),
          ...(latency === undefined ? {} : { latency: latencyOf(latency) }),
        };
        return perform({ do: "links", set }, options, "Links have changed.");
      },
    );
}

function slowCommand(): Command {
  return subcommand("slow", "Make nodes slow: whatever arrives takes so long", ["peer-3 20ms", "peer-3 0ms"])
    .argument("<nodes>", nodesHelp)
    .argument("<duration>", "for each chunk that arrives, such as 20ms; 0ms is quick again")
    .action((nodes: string, duration: string, options: ActOptions) =>
      perform(
        { do: "slow", node: selectorOf(nodes), perEventMs: parseDuration("duration", duration) },
        options,
        "Slowed",
        nodes,
      ),
    );
}

// ---- Asking ----

function subcommand(name: string, description: string, examples: readonly string[]): Command {
  const lines = examples.map((example) => `  $ ${`grapevine act ${name} ${example}`.trim()}`);
  return addApiOptions(
    new Command(name).description(description).option("--json", "print the result as JSON"),
  ).addHelpText("after", `\nExamples:\n${lines.join("\n")}\n`);
}

/** `nodes` is what the user has named: a single name finds its process. */
async function perform(action: Action, options: ActOptions, done: string, nodes?: string): Promise<void> {
  const wanted = nodes !== undefined && /^[\w.-]+$/.test(nodes) ? nodes : undefined;
  const client = await findApi(options, wanted);
  const answer = await client.post("/v1/actions", action, answers.acted, actTimeoutMs);
  if (options.json) return await print(jsonText(answer));
  if (done.endsWith(".")) return await print(done);
  await print(`${done} ${answer.nodes.length === 0 ? "nobody" : escapeText(answer.nodes.join(", "))}.`);
}

/** `peer-1,peer-2`, `all peers`, `2 peers`. */
function selectorOf(text: string): Selector {
  const [, random, of] = /^(\d+) (peer|seed)s?$/.exec(text.trim()) ?? [];
  if (random !== undefined) return { random: Number(random), of: of === "seed" ? "seeds" : "peers" };
  const names = text.split(",").map((name) => name.trim());
  return names.length === 1 ? names[0]! : names;
}

function lossOf(text: string): number {
  const loss = Number(text);
  if (text.trim() !== "" && loss >= 0 && loss <= 1) return loss;
  throw new UsageError(`--loss: "${text}" is no share; write 0 to 1, such as 0.1`);
}

function latencyOf(text: string): LinkSettings["latency"] {
  const [from, to] = text.split("-").map((part) => parseDuration("--latency", part));
  return to === undefined ? { model: "constant", ms: from! } : { model: "uniform", fromMs: from!, toMs: to };
}
