import { hashText, type NodeId, type Signatures } from "../core/index.ts";

/**
 * Signatures of a world in which nobody breaks signatures: a proof names its signer and the statement, so that it is
 * good for nothing else. What it leaves out is what a real one costs.
 */
export class SimulatedSignatures implements Signatures<unknown> {
  readonly #signer: NodeId;

  constructor(signer: NodeId) {
    this.#signer = signer;
  }

  sign(statement: unknown): Uint8Array {
    return proofOf(this.#signer, statement);
  }

  verify(origin: NodeId, statement: unknown, proof: Uint8Array): boolean {
    const expected = proofOf(origin, statement);
    return proof.length === expected.length && proof.every((byte, i) => byte === expected[i]);
  }
}

function proofOf(signer: NodeId, statement: unknown): Uint8Array {
  const text = `${String(signer).split("@")[0]} ${canonical(statement)}`;
  const words = [hashText(text), hashText(text, 1)];
  return Uint8Array.from(words.flatMap((word) => [word, word >>> 8, word >>> 16, word >>> 24]));
}

/** Equal for equal statements, whether they were made here or have come over a wire. */
function canonical(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (value instanceof Uint8Array) return value.join();
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  fields.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([name, field]) => `${name}:${canonical(field)}`).join()}}`;
}
