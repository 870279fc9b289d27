/** Anna, a member of SWIM: a test plays everybody else. */
import type { NodeId } from "../../src/core/index.ts";
import type { LeaveNotice } from "../../src/membership/messages.ts";
import {
  Swim,
  type SwimCommand,
  type SwimConfig,
  type SwimNotice,
  type SwimTimer,
} from "../../src/membership/swim.ts";
import type { MemberRecord, Suspicion, SwimMessage, Update } from "../../src/membership/swim-messages.ts";
import type { SwimOptions } from "../../src/membership/swim-options.ts";
import { Alone } from "./alone.ts";
import { signaturesOf, signedBy } from "./notary.ts";

export const anna = "anna@127.0.0.1:9001";
export const bert = "bert@127.0.0.1:9002";
export const cleo = "cleo@127.0.0.1:9003";
export const dora = "dora@127.0.0.1:9004";
export const emil = "emil@127.0.0.1:9005";
export const mallory = "mallory@127.0.0.1:6666";
export const seed = "@127.0.0.1:8001";

export const recordOf = (member: NodeId, incarnation = 1, fields: Partial<MemberRecord> = {}) =>
  signedBy<MemberRecord>(member, {
    type: "member-record",
    member,
    incarnation,
    since: 5,
    role: "peer",
    tags: [],
    ...fields,
  });
export const doubtOf = (suspect: NodeId, accuser: NodeId, incarnation = 1) =>
  signedBy<Suspicion>(accuser, { type: "suspicion", suspect, incarnation, accuser, at: 7 });
export const leaveOf = (peer: NodeId, incarnation = 1) =>
  signedBy<LeaveNotice>(peer, { type: "leave", peer, incarnation, at: 7 });

export interface Settings extends Partial<SwimOptions> {
  readonly config?: Partial<SwimConfig>;
  readonly knows?: readonly NodeId[];
}

/** Anna. The test plays everybody else; `knows` are members already, and nothing of that is news any more. */
export class Anna extends Alone<SwimMessage, SwimTimer, SwimNotice, SwimCommand> {
  readonly swim: Swim;
  readonly verified: number[];

  constructor({ config, knows = [], ...options }: Settings = {}) {
    const { sign, verify } = signaturesOf(anna);
    const verified = [0];
    const swim = new Swim({
      role: "peer",
      introducers: [],
      incarnation: 1,
      since: 3,
      signatures: {
        sign,
        verify: (...claim) => {
          verified[0]!++;
          return verify(...claim);
        },
      },
      options,
      ...config,
    });
    super(anna, swim, 1);
    this.swim = swim;
    this.verified = verified;
    this.start();
    if (knows.length > 0) this.tell(knows.map((node) => recordOf(node)));
    this.answersAll(8000).clear();
    verified[0] = 0;
  }

  tell(updates: readonly Update[], from: NodeId = knownTeller): this {
    return this.receive(from, { type: "gossip", updates });
  }

  /** Time passes, and everybody whom she pings is there, but those. */
  answersAll(time: number, except: readonly NodeId[] = []): this {
    for (let passed = 0; passed < time; passed += 10) {
      const from = this.effects.length;
      this.pass(10);
      for (const effect of this.effects.slice(from)) {
        if (effect.type !== "send" || effect.message.type !== "ping" || except.includes(effect.to)) continue;
        this.receive(effect.to, { type: "ack", nonce: effect.message.nonce, updates: [] });
      }
    }
    return this;
  }

  /** Until she asks somebody, who keeps silent; returns the ping. */
  asks(node: NodeId): { readonly nonce: number; readonly updates: readonly Update[] } {
    this.command({ type: "unreachable", node });
    return this.sentOf("ping")
      .filter(({ to }) => to === node)
      .at(-1)!;
  }
  state(node: NodeId) {
    return this.swim.stateOf(node);
  }
}

const knownTeller = bert;
export const everybody = [bert, cleo, dora, emil];
