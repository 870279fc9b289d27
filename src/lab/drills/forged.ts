import { formatContact, type NodeId } from "../../core/index.ts";
import type { DeadReport, IntroductionMessage, PeerRecord } from "../../membership/messages.ts";
import { type LocalNetwork, sleep } from "../local-network.ts";
import { Attacker } from "./attacker.ts";
import { type Drill, gossipReachesAll, RemovalWatch, type Stage } from "./drill.ts";

export const forgedReport: Drill = {
  name: "forged-report",
  description: "false dead-node reports, by a stranger and by a member: nobody is removed",
  async run(stage) {
    const network = await stage.network();
    const watch = new RemovalWatch(network);
    const before = lists(network);
    const victim = network.peers[0]!;
    const bystanders = network.peers.slice(1, 4);
    const insider = await Attacker.insider(stage, network, "mallory");
    const outsider = stage.config.isPlaintext ? undefined : await Attacker.outsider(stage);
    const { incarnation } = victim.peer!.registration;
    let sent = 0;
    for (const attacker of [insider, outsider]) {
      if (attacker === undefined) continue;
      // In his own name, many times; and in the names of others, whose signature he does not have.
      const reporters: NodeId[] = [
        attacker.contact,
        attacker.contact,
        ...bystanders.map((peer) => peer.contact),
      ];
      for (const reporter of reporters) {
        for (const raised of [0, 1]) {
          const statement: DeadReport = {
            type: "dead-report",
            suspect: victim.contact,
            incarnation: incarnation + raised,
            at: Date.now(),
            reporter,
          };
          attacker.tellSeeds(
            network,
            message({
              type: "dead-report",
              report: { statement, proof: attacker.signatures.sign(statement) },
            }),
          );
          sent += network.seeds.length;
        }
      }
    }
    await sleep(Math.max(1000, stage.config.pingIntervalMs * 3));
    const ignored = network.seeds.reduce((sum, { seed }) => {
      const { forgedReports, strangersReports } = seed!.registry.counters;
      return sum + forgedReports + strangersReports;
    }, 0);
    stage.figures["reportsSent"] = sent;
    stage.figures["reportsIgnored"] = ignored;
    stage.figures["removed"] = watch.removals.length;
    if (outsider !== undefined) {
      stage.figures["outsiderRefusedWith"] = outsider.refusals[0];
      stage.check(
        "the stranger is refused, with a reason",
        outsider.refusals.length > 0,
        outsider.refusals[0],
      );
      stage.check("and said nothing to anybody", outsider.answers.length === 0);
    }
    stage.check("the member's reports arrived and were ignored", ignored > 0, `${ignored} ignored`);
    await nothingChanged(stage, network, watch, before);
  },
};

export const forgedRegistration: Drill = {
  name: "forged-registration",
  description: "registrations of others, of closed ports and by strangers: the lists do not change",
  async run(stage) {
    const network = await stage.network();
    const watch = new RemovalWatch(network);
    const before = lists(network);
    const insider = await Attacker.insider(stage, network, "mallory");
    const outsider = stage.config.isPlaintext ? undefined : await Attacker.outsider(stage);
    const victim = network.peers[0]!;
    const own = String(insider.contact).split("@")[0]!;
    // Another member for the other address: of one node's registrations under way a seed looks at the latest.
    const accomplice = await Attacker.insider(stage, network, "trudy");
    const claims: { what: string; peer: NodeId }[] = [
      { what: "another peer's identity", peer: victim.contact },
      { what: "a port where nobody listens", peer: formatContact(own, "127.0.0.1", 1) },
    ];
    // And a crowd: two hundred invented peers, as public implementations take them up.
    for (let i = 0; i < 200; i++) {
      claims.push({
        what: "an invented peer",
        peer: formatContact(i.toString(16).padStart(40, "0"), "127.0.0.1", 20_000 + i),
      });
    }
    for (const [i, { peer }] of claims.entries()) {
      register(insider, network, peer, i);
      if (outsider !== undefined) register(outsider, network, peer, i);
    }
    const wanted = (claims.length + 1) * network.seeds.length;
    const squatted = `${accomplice.identity.id}@${String(victim.contact).split("@")[1]}`;
    register(accomplice, network, squatted, 0);
    const refused = () =>
      [...insider.answers, ...accomplice.answers].filter(({ body }) => body.type === "refused").length;
    // The claims of a closed port are only known to be false when the call-back has failed.
    await stage.until(() => refused() >= wanted, 15_000);
    stage.figures["registrationsSent"] = wanted;
    stage.figures["refused"] = refused();
    stage.figures["taken"] = insider.answers.filter(({ body }) => body.type === "registered").length;
    stage.check("every false registration is refused", refused() === wanted, `${refused()} of ${wanted}`);
    if (outsider !== undefined)
      stage.check(
        "the stranger is refused, with a reason",
        outsider.refusals.length > 0,
        outsider.refusals[0],
      );
    await nothingChanged(stage, network, watch, before);
    const joiner = await network.addPeer({ name: "joiner" });
    const joinMs = await stage.until(() => joiner.peer!.overlay.neighbors.length > 0, 10_000);
    stage.check("the next joiner finds real neighbors", joinMs !== undefined, `${joinMs} ms`);
  },
};

function register(attacker: Attacker, network: LocalNetwork, peer: NodeId, number: number): void {
  const incarnation = Date.now() * 2 + number;
  const statement: PeerRecord = {
    type: "peer-record",
    peer,
    incarnation,
    version: 0,
    since: 1,
    neighbors: [],
  };
  const record = { statement, proof: attacker.signatures.sign(statement) };
  attacker.tellSeeds(network, message({ type: "register", nonce: 1000 + number, record }));
}

async function nothingChanged(
  stage: Stage,
  network: LocalNetwork,
  watch: RemovalWatch,
  before: string,
): Promise<void> {
  stage.check("nobody was removed", watch.removals.length === 0);
  stage.check("the lists are what they were", lists(network) === before);
  const { ratio } = await gossipReachesAll(stage, network);
  stage.check("gossip reaches everybody", ratio === 1);
}

function lists(network: LocalNetwork): string {
  return network.seeds
    .map(({ seed }) =>
      seed!.registry.list
        .map(({ peer }) => peer)
        .sort()
        .join(" "),
    )
    .join("\n");
}

function message(body: IntroductionMessage) {
  return { layer: "introduction", body };
}
