/** What origins publish, as it travels and as it is kept. */
import type { NodeId } from "../../src/core/index.ts";
import type { Gossip, GossipStatement, MessageId } from "../../src/dissemination/messages.ts";
import { hashOf, Retained } from "../../src/dissemination/retained-messages.ts";
import { signedBy } from "./notary.ts";

export function gossipOf(
  origin: NodeId,
  fields: Partial<GossipStatement> = {},
  signer: NodeId = origin,
): Gossip {
  const statement: GossipStatement = {
    type: "gossip",
    origin,
    incarnation: 1,
    sequence: 0,
    at: 0,
    payloads: ["hello"],
    ...fields,
  };
  return { type: "gossip", ...signedBy(signer, statement) };
}

/** The message of that number of an origin, 7 unless said otherwise. */
export function retainedOf(sequence: number, fields: Partial<GossipStatement> = {}): Retained {
  const gossip = gossipOf(fields.origin ?? 7, { sequence, ...fields });
  const hash = hashOf(gossip.statement);
  return new Retained({ gossip, receivedAt: 0, hash, life: undefined, places: 0 });
}

export function idOf({ gossip }: Retained): MessageId {
  const { origin, incarnation, sequence } = gossip.statement;
  return { origin, incarnation, sequence };
}
