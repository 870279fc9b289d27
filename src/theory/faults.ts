/**
 * Loss and crashes, as document 003, slide "Fault-tolerance", reckons with them: "50% packet loss: analyze with b
 * replaced with b/2 … takes twice as many rounds"; "50% of nodes fail: analyze with n replaced with n/2 and b replaced
 * with b/2. Same as above".
 *
 * A lost call is one that was not made, so b -> b(1-loss). Of the calls of a survivor the share `crashed` is for the
 * dead: b -> b(1-crashed), n -> n(1-crashed). Both together multiply. With calls at random times that is exact, and half
 * of each means four times the rounds, less what the smaller number of nodes saves. In synchronous rounds growth is not
 * proportional to b: with half the calls it takes log(2)/log(1.5) = 1.71 times as many rounds until half of the nodes
 * know it, and twice as many for the rest.
 */
import { expectedTimeToInform, type Mixing } from "./logistic.ts";
import { pushRounds } from "./rounds.ts";
import { checkNumber, checkShare, checkWhole } from "./valid-range.ts";

export interface Faults {
  /** Share of messages that get lost: from 0 to below 1. Default 0. */
  readonly loss?: number;
  /** Share of nodes that have crashed before the rumor began and are still called: from 0 to below 1. Default 0. */
  readonly crashed?: number;
}

function checkFaults({ loss = 0, crashed = 0 }: Faults): Required<Faults> {
  checkNumber("loss", loss, { least: 0, below: 1 });
  checkNumber("crashed", crashed, { least: 0, below: 1 });
  return { loss, crashed };
}

/**
 * What of a call comes through: a push is one message, 1-loss; a pull is two, question and answer, (1-loss)^2. `loss`
 * from 0 to 1.
 */
export function callSuccess(mode: "push" | "pull", { loss }: { readonly loss: number }): number {
  checkShare("loss", loss);
  return mode === "push" ? 1 - loss : (1 - loss) * (1 - loss);
}

/** b(1-loss)(1-crashed): calls per unit of time that reach somebody. `b` > 0. Push. */
export function effectiveCalls({ b, ...faults }: Faults & { readonly b: number }): number {
  checkNumber("b", b, { above: 0 });
  const { loss, crashed } = checkFaults(faults);
  return b * (1 - loss) * (1 - crashed);
}

/** n(1-crashed), rounded to whole nodes: those who can know it. `n` >= 1. */
export function survivors({ n, ...faults }: Faults & { readonly n: number }): number {
  checkWhole("n", n, { least: 1 });
  return Math.round(n * (1 - checkFaults(faults).crashed));
}

/**
 * The n and b with which every formula of `logistic.ts` holds under faults: of n+1 people (1-crashed)(n+1) are left, who
 * meet each other as often as before but for loss, so b' = b(1-loss) n'/n: the slide's b(1-crashed) for large n.
 *
 * At least two must survive; `UsageError` otherwise.
 */
export function mixingUnderFaults({ n, b, ...faults }: Mixing & Faults): Mixing {
  const { loss } = checkFaults(faults);
  checkNumber("b", b, { above: 0 });
  const others = survivors({ n: n + 1, ...faults }) - 1;
  checkWhole("survivors", others + 1, { least: 2 });
  return { n: others, b: (b * (1 - loss) * others) / n };
}

/**
 * How much longer it takes until all survivors know it, by Poisson calls (push): the expected time with faults over that
 * without: 2 for half of the messages lost, and a little less than 2 for half of the nodes, as there are fewer to tell.
 * It does not depend on b.
 */
export function slowdown({ n, ...faults }: Faults & { readonly n: number }): number {
  const sound = { n, b: 1 };
  return expectedTimeToInform(mixingUnderFaults({ ...sound, ...faults })) / expectedTimeToInform(sound);
}

/**
 * Synchronous push rounds to all survivors: `pushRounds` with n(1-crashed) and b(1-loss)(1-crashed). At least two must
 * survive.
 */
export function pushRoundsUnderFaults({
  n,
  fanout = 1,
  ...faults
}: Faults & { readonly n: number; readonly fanout?: number }): number {
  return pushRounds({ n: survivors({ n, ...faults }), fanout: effectiveCalls({ b: fanout, ...faults }) });
}
