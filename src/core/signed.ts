import type { Proof } from "./signatures.ts";

/** A statement with its origin's proof: whoever relays it can neither change nor invent it. */
export interface Signed<Statement> {
  readonly statement: Statement;
  readonly proof: Proof;
}
