/** What liars say to a membership (SWIM), for both worlds: who sends it and how is theirs. */
import {
  formatContact,
  identityOf,
  type Millis,
  type NodeId,
  type Proof,
  type Tagged,
} from "../core/index.ts";
import type { LeaveNotice } from "../membership/messages.ts";
import type { MemberRecord, Suspicion, SwimMessage, Update } from "../membership/swim-messages.ts";

/** Somebody with a key. */
export interface Signer {
  readonly id: NodeId;
  readonly sign: (statement: MemberRecord | Suspicion | LeaveNotice) => Proof;
}

export interface Victim {
  readonly id: NodeId;
  readonly incarnation: number;
}

/** An address where nobody listens. */
const nowhere = { host: "127.0.0.1", port: 1 };

/**
 * Against one member: doubts in the names of others, another address for it, and its goodbye, none of them signed by
 * whom they name. All of these have to be dropped. `doubts` are signed by members whose keys were stolen: they are heard,
 * and the victim has to refute them.
 */
export function lies(
  liar: Signer,
  { victim, bystanders, traitors, now }: LieConfig,
): { readonly forged: readonly Tagged[]; readonly doubts: readonly Tagged[] } {
  const doubt = (accuser: NodeId, incarnation: number): Suspicion => ({
    type: "suspicion",
    suspect: victim.id,
    incarnation,
    accuser,
    at: now,
  });
  const elsewhere = formatContact(String(identityOf(victim.id)), nowhere.host, nowhere.port);
  const statements = [
    ...bystanders.map((bystander) => doubt(bystander, victim.incarnation)),
    record(elsewhere, victim.incarnation + 1000, now),
    { type: "leave" as const, peer: victim.id, incarnation: victim.incarnation, at: now },
  ];
  return {
    forged: statements.map((statement) => gossip(liar, statement)),
    doubts: [0, 1].flatMap((raised) =>
      traitors.map((traitor) => gossip(traitor, doubt(traitor.id, victim.incarnation + raised))),
    ),
  };
}

/** What is forged is about a life that the victim gives up when it refutes: until then all of it has arrived. */
export const doubtsAfterMs: Millis = 300;

/** Enough for the shortest suspicion, where they are believed. */
export const stolenKeys = 4;

export interface LieConfig {
  readonly victim: Victim;
  /** Members that do not doubt it. */
  readonly bystanders: readonly NodeId[];
  readonly traitors: readonly Signer[];
  readonly now: Millis;
}

/** Another's record in our comparison, and a crowd of the invented, signed by a liar whom they do not name. */
export function inventions(liar: Signer, victim: NodeId, count: number, now: Millis): readonly Tagged[] {
  const borrowed = record(victim, now * 2, now);
  const compare: SwimMessage = {
    type: "sync-compare",
    nonce: 1,
    record: { statement: borrowed, proof: liar.sign(borrowed) },
    count: 1,
    fingerprint: 0,
  };
  const invented = Array.from({ length: count }, (_, i) =>
    gossip(liar, record(inventedContact(i), now * 2 + i + 1, now)),
  );
  return [{ layer: "membership", body: compare }, ...invented];
}

/** Whom `inventions` speak of. */
export function inventedContact(i: number): NodeId {
  return formatContact(i.toString(16).padStart(40, "0"), "127.0.0.1", 20_000 + (i % 40_000));
}

function record(member: NodeId, incarnation: number, now: Millis): MemberRecord {
  return { type: "member-record", member, incarnation, since: now, role: "peer", tags: [] };
}

function gossip(by: Signer, statement: MemberRecord | Suspicion | LeaveNotice): Tagged {
  const update = { statement, proof: by.sign(statement) } as Update;
  return { layer: "membership", body: { type: "gossip", updates: [update] } as SwimMessage };
}
