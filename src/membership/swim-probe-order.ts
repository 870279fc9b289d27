import { hashNumbers, type Identity, type Random } from "../core/index.ts";
import type { MemberEntry, MemberTable } from "./swim-members.ts";

/**
 * Whom to probe next. SWIM's bound holds for both orders: in n - 1 periods each node probes each other, so nobody waits
 * longer than 2n - 3 periods for one particular prober.
 */
export interface ProbeOrder {
  /** Of the period with that number. Undefined if nobody else is here. */
  next(period: number, random: Random): MemberEntry | undefined;
}

/**
 * An order that all derive from their lists, and that gives everybody exactly one prober in each period: in the list
 * sorted by identity, ourselves included, we probe who stands `shift` places behind us. In n - 1 periods the shift runs
 * through 1 to n - 1, in an order that the number of the cycle decides. Where lists or clocks differ it is merely random.
 *
 * Deviation from SWIM, where each shuffles for itself: there a crashed node waits e/(e-1) periods for its first prober,
 * and here half a period.
 */
export class SharedOrder implements ProbeOrder {
  readonly #members: MemberTable;
  readonly #self: () => Identity;
  // The bijection of the cycle that was asked for last.
  #cycle = -1;
  #shifts = 0;
  #factor = 1;
  #offset = 0;

  constructor(members: MemberTable, self: () => Identity) {
    this.#members = members;
    this.#self = self;
  }

  next(period: number): MemberEntry | undefined {
    const { here } = this.#members;
    const shifts = here.length;
    if (shifts === 0) return undefined;
    const rank = this.#members.rankOf(this.#self());
    const place = (rank + this.#shift(period, shifts)) % (shifts + 1);
    return here[place < rank ? place : place - 1];
  }

  /** 1 to `shifts`: x -> factor * x + offset modulo `shifts` meets each once if the factor has no divisor in common. */
  #shift(period: number, shifts: number): number {
    const cycle = Math.floor(period / shifts);
    if (cycle !== this.#cycle || shifts !== this.#shifts) {
      this.#cycle = cycle;
      this.#shifts = shifts;
      this.#offset = hashNumbers([cycle, shifts], 1) % shifts;
      this.#factor = 1 + (hashNumbers([cycle, shifts], 2) % shifts);
      while (greatestDivisor(this.#factor, shifts) !== 1) this.#factor++;
    }
    return 1 + (((period % shifts) * this.#factor + this.#offset) % shifts);
  }
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}

/** As in SWIM (4.3): a list of its own, shuffled after each round; newcomers come somewhere into what is left of it. */
export class RandomOrder implements ProbeOrder {
  readonly #members: MemberTable;
  /** What is left of the round; the next one last. */
  #left: MemberEntry[] = [];

  constructor(members: MemberTable) {
    this.#members = members;
  }

  add(member: MemberEntry, random: Random): void {
    if (this.#left.length > 2 * this.#members.here.length) return; // who comes and goes is in there often enough
    this.#left.splice(random.below(this.#left.length + 1), 0, member);
  }

  next(_period: number, random: Random): MemberEntry | undefined {
    for (;;) {
      const member = this.#left.pop();
      if (member !== undefined) {
        if (member.isHere) return member;
        continue;
      }
      if (this.#members.here.length === 0) return undefined;
      this.#left = this.#members.here.slice();
      for (let i = this.#left.length - 1; i > 0; i--) {
        const j = random.below(i + 1);
        const other = this.#left[i]!;
        this.#left[i] = this.#left[j]!;
        this.#left[j] = other;
      }
    }
  }
}
