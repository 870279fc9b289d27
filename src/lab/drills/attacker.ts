import { formatContact, type NodeId, type Tagged } from "../../core/index.ts";
import { ephemeralCluster, type Identity, Links, LiveSignatures, type Security } from "../../node/index.ts";
import { TcpTransport, TlsTransport } from "../../transport/index.ts";
import { Codec } from "../../wire/index.ts";
import type { LocalNetwork } from "../local-network.ts";
import type { Stage } from "./drill.ts";

/** Somebody who speaks our wire format and says what he likes. */
export class Attacker {
  readonly links: Links;
  readonly identity: Identity;
  readonly signatures: LiveSignatures;
  readonly answers: Tagged[] = [];
  readonly refusals: string[] = [];
  contact: NodeId = "";

  private constructor(identity: Identity, security: Security) {
    this.identity = identity;
    this.signatures = new LiveSignatures(identity, () => true);
    const transport =
      security.type === "plaintext"
        ? new TcpTransport()
        : new TlsTransport({ identity, caPem: security.caPem });
    this.links = new Links({
      transport,
      codec: new Codec(),
      identity,
      role: "peer",
      name: "mallory",
      cluster: "grapevine",
      isMember: () => true,
      onMessage: (_from, message) => this.answers.push(message),
      onEvent: ({ type, reason, detail }) => {
        if (type === "dial-failed" || type === "link-refused") this.refusals.push(detail ?? reason);
      },
    });
  }

  /** With a valid certificate of the network: the worst neighbor one can have. */
  static async insider(stage: Stage, network: LocalNetwork, name: string): Promise<Attacker> {
    const { identity, security } = await network.issue(name);
    return await new Attacker(identity, security).#listen(stage);
  }

  /** With a certificate of a cluster of his own. */
  static async outsider(stage: Stage): Promise<Attacker> {
    const cluster = await ephemeralCluster("elsewhere");
    const security: Security = { type: "tls", caPem: cluster.caPem, memberKey: cluster.memberKey };
    return await new Attacker(await cluster.issue("mallory"), security).#listen(stage);
  }

  async #listen(stage: Stage): Promise<this> {
    const { host, port } = await this.links.listen({ host: "127.0.0.1", port: 0 });
    this.contact = formatContact(this.identity.id, host, port);
    stage.onEnd(() => this.links.destroy());
    return this;
  }

  /** To every seed, by its configured address. */
  tellSeeds(network: LocalNetwork, message: Tagged): void {
    for (const { host, port } of network.seedAddresses)
      this.links.send(formatContact("", host, port), message);
  }
}
