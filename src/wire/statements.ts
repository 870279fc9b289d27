import protobuf from "protobufjs";
import { type RecordStatement, UsageError } from "../core/index.ts";
import type { WriteStatement } from "../dissemination/anti-entropy-messages.ts";
import type { GossipStatement } from "../dissemination/messages.ts";
import type { DeadReport, LeaveNotice, PeerRecord } from "../membership/messages.ts";
import type { MemberRecord, Suspicion } from "../membership/swim-messages.ts";
import { type Hello, helloKind } from "./hello.ts";
import {
  deadReport,
  gossipStatement,
  leaveNotice,
  memberRecord,
  peerRecord,
  recordStatement,
  suspicion,
  writeStatement,
} from "./kinds.ts";
import { MalformedFrame } from "./malformed-frame.ts";
import { schemaType } from "./schema-types.ts";
import { bytesBetween, fixedBytes, type Shape } from "./shapes.ts";

/** What nodes sign. */
export type Statement =
  | PeerRecord
  | DeadReport
  | LeaveNotice
  | MemberRecord
  | Suspicion
  | GossipStatement
  | WriteStatement
  | RecordStatement;

/**
 * How each type of statement becomes the bytes that its signature covers. The text in front keeps a signature of
 * one type from ever being taken for one of another; its number changes with the meaning of the bytes.
 */
const encoders = {
  "peer-record": statementEncoder<PeerRecord>("grapevine peer-record 1\n", "PeerRecord", peerRecord),
  "dead-report": statementEncoder<DeadReport>("grapevine dead-report 1\n", "DeadReport", deadReport),
  leave: statementEncoder<LeaveNotice>("grapevine leave 1\n", "LeaveNotice", leaveNotice),
  "member-record": statementEncoder<MemberRecord>(
    "grapevine member-record 1\n",
    "MemberRecord",
    memberRecord,
  ),
  suspicion: statementEncoder<Suspicion>("grapevine suspicion 1\n", "Suspicion", suspicion),
  gossip: statementEncoder<GossipStatement>("grapevine gossip 1\n", "GossipStatement", gossipStatement),
  write: statementEncoder<WriteStatement>("grapevine write 1\n", "WriteStatement", writeStatement),
  record: statementEncoder<RecordStatement>("grapevine record 1\n", "RecordStatement", recordStatement),
} satisfies { [Type in Statement["type"]]: unknown };

/**
 * The canonical bytes of a statement: the same for everybody who has read it, whatever bytes it came in. Throws
 * `UsageError` for a statement that could not be sent.
 */
export function encodeStatement(statement: Statement): Uint8Array {
  return encoders[statement.type](statement as never);
}

interface HelloStatement {
  readonly prover: Hello;
  readonly challenge: Uint8Array;
  readonly challenger: Uint8Array;
}

const encodeHelloFields = statementEncoder<HelloStatement>("grapevine hello 1\n", "HelloStatement", {
  write: ({ prover, challenge, challenger }) => ({
    prover: helloKind.shape.write(prover),
    challenge: bytesBetween(16, 32).write(challenge),
    challenger: fixedBytes(32).write(challenger),
  }),
});

/**
 * What `prover` signs in its HelloProof. The other side's key is in it, or somebody in the middle could pass our
 * proof on as an answer to a third node.
 */
export function encodeHelloStatement(prover: Hello, challenger: Hello): Uint8Array {
  return encodeHelloFields({ prover, challenge: challenger.challenge, challenger: challenger.publicKey });
}

function statementEncoder<T>(
  domain: string,
  name: string,
  shape: Pick<Shape<T>, "write">,
): (statement: T) => Uint8Array {
  const type = schemaType(name);
  const prefix = Uint8Array.from(domain, (character) => character.charCodeAt(0));
  return (statement) => {
    try {
      return type.encode(shape.write(statement) as object, protobuf.Writer.create().raw(prefix)).finish();
    } catch (error) {
      if (error instanceof MalformedFrame)
        throw new UsageError(`${name}: ${error.message}`, { cause: error });
      throw error;
    }
  };
}
