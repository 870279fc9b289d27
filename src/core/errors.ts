/**
 * Three kinds of trouble (see STYLE in CONTRIBUTING.md): a peer sent nonsense (count it, drop it, never throw),
 * the caller misused us (`UsageError`), our own belief is broken (`invariant`).
 */

/** The caller's mistake. The message names the option, the value and the rule, so that it can be shown as it is. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Our own belief is broken: stop, rather than go on with a state that nobody has thought about. */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
}

/** Throws `InvariantError` unless `condition` holds; `belief` says what should have been true. */
export function invariant(condition: unknown, belief: string): asserts condition {
  if (!condition) throw new InvariantError(`broken invariant: ${belief}`);
}
