/**
 * A lookup that its asker drives: it asks the most promising node that it knows, learns better ones from the answer, and
 * asks those. Kademlia 2002, section 2.3; Chord 2003, section 4; S/Kademlia 2007, section 4.4, for disjoint paths.
 *
 * A machine without a world: nobody is sent anything here. Whoever runs it (lookup-runner.ts) does this:
 *
 *     next(now)             -> the questions to ask now; each is named by its `index` in the path
 *     onReply(index, …)        the node answered, be it late
 *     onRefused(index, …)      it answered that it would not
 *     onSoftTimeout(index)     it is slow: one more may be asked beside it. It may still answer
 *     onHardTimeout(index)     it is silent: the others go on as if it were not there. It may still answer, late
 *     end(outcome, now)        deadline, or the asker's wish
 *
 * and after each calls `next` again, until `outcome` is no longer undefined; then `report` tells everything.
 *
 * It ends in one of two ways:
 *
 *     "closest-answered"   the `width` best nodes known have all answered (Kademlia). The best `count` that answered are
 *                          the result.
 *     "owner-answered"     nobody better than the best that answered is left to ask: that one precedes the key. Then the
 *                          first of the `owners` that were named is asked, and is the result when it answers (Chord).
 *
 * In both, dead nodes are skipped: the next best is asked instead, and nobody is asked twice.
 */
import {
  compareUp,
  type Key,
  type KeyedNode,
  type LookupOutcome,
  type Millis,
  UsageError,
} from "../core/index.ts";
import type { LookupReport, LookupStep, StepOutcome } from "../core/lookup.ts";
import type { StoredRecord } from "../core/records.ts";

export type EndRule = "closest-answered" | "owner-answered";

/**
 * How many questions are open at once. `slots`: `alpha`, and each answer makes room for the next question; when alpha
 * answers in a row brought nobody closer, all that are left of the `width` closest (Kademlia 2002: "if a round fails to
 * return a node any closer, the initiator asks all of the k closest nodes it has not already queried"). `batches`: alpha,
 * and the next alpha when all of them have answered or are silent; that is how models count rounds.
 */
export type Pace = "slots" | "batches";

export interface IterativeLookupConfig {
  readonly key: Key;
  /** Negative if `a` is to be asked before `b`. Kademlia: by XOR; Chord: who precedes the key most closely. */
  readonly order: (a: Key, b: Key) => number;
  /** The nodes to begin with, without the asker. */
  readonly candidates: readonly KeyedNode[];
  /** The asker's own place: it is never asked. */
  readonly self: KeyedNode;
  /** Is the asker one of the nodes that may be the result? Only under "closest-answered". */
  readonly countsSelf: boolean;
  /** The asker knows the answer itself: nobody is asked. */
  readonly known?: readonly KeyedNode[] | undefined;
  /** "owner-answered": who owns the key if the asker itself precedes it. */
  readonly owners?: readonly KeyedNode[] | undefined;
  readonly endRule: EndRule;
  /** How many of the best have to have answered: Kademlia's k. Chord's is 1: the best known, alone. */
  readonly width: number;
  /** How many nodes are wanted. */
  readonly count: number;
  /** Questions open at once, in each branch. */
  readonly alpha: number;
  readonly pace: Pace;
  /** Most questions. */
  readonly budget: number;
  /** S/Kademlia's d: so many searches that share no node. */
  readonly branches: number;
  /** With `first` the lookup ends at the first record. */
  readonly records: "none" | "first" | "all";
  readonly startedAt: Millis;
  /**
   * It was silent a short while ago. It is asked, too, if it is one of the best, but aside: it takes nobody's place, and it
   * is waited for only until it is slow. Half of a network may have died, and others still name the dead; but whoever was
   * cut off is back at once, and may be the nearest of all.
   */
  readonly isSuspect?: ((node: KeyedNode) => boolean) | undefined;
}

/** A question to be asked now. */
export interface LookupQuestion {
  /** Of the step in the path: names the question. */
  readonly index: number;
  readonly to: KeyedNode;
}

/** What a node says. */
export interface LookupAnswer {
  /** Nodes that are nearer, as far as it knows. */
  readonly nodes: readonly KeyedNode[];
  /** Under "owner-answered": nodes at or behind the key, the nearest first; the answering one itself if it owns the key. */
  readonly owners?: readonly KeyedNode[];
  readonly records?: readonly StoredRecord[];
}

/** Records of one lookup beyond this number are not kept (guess: far more than any number of replicas). */
const maxRecords = 256;
/** Candidates that a branch keeps: so many times `width`, and at least `minCandidates` (guess). */
const candidatesPerWidth = 4;
const minCandidates = 64;
/** Nodes behind the key that a lookup keeps (guess: no list of successors is longer). */
const maxOwners = 64;
/** Another address of a node that was silent is tried so often. */
const maxRetries = 2;

/** A node that the lookup has heard of: one for all branches. */
interface Found {
  readonly contact: KeyedNode;
  /** The step that asks it; -1 if nobody did so far. */
  index: number;
  /** `slow`: asked, and past its first limit. */
  state: "unasked" | "asked" | "slow" | "answered" | "gone";
  retries: number;
  /** Another address that was named while this one was not yet given up: it may have moved. */
  elsewhere?: { readonly contact: KeyedNode; readonly referrer: number; readonly depth: number };
  /** What it answered, under "owner-answered". */
  owners?: readonly KeyedNode[];
}

/** A node as one branch has heard of it. */
interface Candidate {
  readonly found: Found;
  readonly referrer: number;
  readonly depth: number;
  /** It is asked because it may own the key, not because it is on the way. */
  readonly isOwner?: boolean;
}

interface Branch {
  /** The best ones first; never one that is gone. */
  candidates: Candidate[];
  /** Questions open that are not slow. */
  open: number;
  /** The best that it has heard of, and how many answers in a row brought nobody better. */
  best: Key | undefined;
  withoutProgress: number;
  /** So many were silent: each makes room for one more question, for there may be many more of them. */
  silent: number;
}

/** To be asked aside, as soon as it would be one of the best. */
interface Suspect {
  readonly candidate: Candidate;
  readonly branch: Branch;
}

/** A step and what we need to know of it. */
interface Step {
  readonly candidate: Candidate;
  readonly branch: Branch;
  readonly branchIndex: number;
  readonly sentAt: Millis;
  answeredAt: Millis | undefined;
  outcome: StepOutcome;
  learned: number;
  /** Does it take a place of its branch? */
  isOpen: boolean;
  /** A suspect's: see `isSuspect`. */
  readonly isAside: boolean;
  /** Past its first limit. */
  isSlow: boolean;
  hasRecords: boolean;
}

export class IterativeLookup {
  readonly config: IterativeLookupConfig;
  readonly #found = new Map<Key, Found>();
  readonly #branches: Branch[];
  readonly #steps: Step[] = [];
  readonly #records: { from: KeyedNode["node"]; record: StoredRecord }[] = [];
  readonly #maxCandidates: number;
  /** Going up from the key: who may own it; never one that is gone. At most `maxOwners`. */
  #owners: Candidate[] = [];
  /** To be asked aside. */
  #suspects: Suspect[] = [];
  #outcome: LookupOutcome | undefined;
  #endedAt: Millis = 0;
  /** The result, where it is not simply who answered; and the step of the node that decided, unless that is the asker. */
  #final: { readonly step: Step | undefined; readonly nodes: readonly KeyedNode[] } | undefined;

  /** Throws `UsageError` unless all numbers are at least 1. */
  constructor(config: IterativeLookupConfig) {
    for (const name of ["width", "count", "alpha", "budget", "branches"] as const)
      if (!(config[name] >= 1)) throw new UsageError(`${name}: ${config[name]} is less than 1`);
    this.config = config;
    this.#maxCandidates = Math.max(minCandidates, candidatesPerWidth * config.width);
    this.#branches = Array.from({ length: config.branches }, () => {
      return { candidates: [], open: 0, best: undefined, withoutProgress: 0, silent: 0 };
    });
    // Dealt out in turn, the best first, so that each branch begins about as well as the others (S/Kademlia, 4.4).
    const { order } = config;
    const candidates = [...config.candidates].sort((a, b) => order(a.key, b.key));
    let turn = 0;
    for (const contact of candidates) {
      if (this.#found.has(contact.key)) continue;
      if (this.#learn(this.#branches[turn % config.branches]!, contact, -1, 1)) turn++;
    }
    for (const branch of this.#branches) branch.best = bestOf(branch);
    if (this.#learnOwners(config.owners ?? [], -1, 1)) turn++;
    if (config.known !== undefined) this.#endWith(undefined, config.known, config.startedAt);
    else if (turn === 0) this.#finish("alone", config.startedAt);
  }

  /** Why it ended; undefined as long as it goes on. */
  get outcome(): LookupOutcome | undefined {
    return this.#outcome;
  }

  /** How many questions were asked. */
  get asked(): number {
    return this.#steps.length;
  }

  // ---- Driving it --------------------------------------------------------------------------------------------------

  /** What is to be asked now, if anything. Whoever takes them has asked them. Ends the lookup when nothing is left. */
  next(now: Millis): LookupQuestion[] {
    const questions: LookupQuestion[] = [];
    if (this.#outcome !== undefined) return questions;
    if (this.#isComplete()) {
      this.#finish("found", now);
      return questions;
    }
    if (this.#endWithOwner(now)) return questions;
    this.#branches.forEach((branch, branchIndex) => {
      for (let room = this.#roomOf(branch); room > 0; room--) {
        const candidate = this.#nextOf(branch);
        if (candidate === undefined || this.#steps.length >= this.config.budget) break;
        questions.push(this.#ask(candidate, branch, { branchIndex, isAside: false, now }));
      }
    });
    const later: Suspect[] = [];
    for (const suspect of this.#suspects) {
      const { candidate, branch } = suspect;
      const isFar = this.#rankOf(branch, candidate.found.contact.key).rank >= this.config.width;
      if (isFar || this.#steps.length >= this.config.budget) later.push(suspect);
      else {
        const branchIndex = this.#branches.indexOf(branch);
        questions.push(this.#ask(candidate, branch, { branchIndex, isAside: true, now }));
      }
    }
    this.#suspects = later;
    if (questions.length === 0 && !this.#isWaiting())
      this.#finish(this.#steps.length >= this.config.budget ? "budget" : "exhausted", now);
    return questions;
  }

  onReply(index: number, answer: LookupAnswer, now: Millis): void {
    const step = this.#steps[index];
    if (step === undefined || this.#outcome !== undefined || hasSpoken(step)) return;
    this.#settle(step, step.outcome === "silent" ? "late" : "answered", now);
    const { found, depth } = step.candidate;
    const wasGone = found.state === "gone";
    found.state = "answered";
    if (wasGone && !step.candidate.isOwner)
      for (const branch of this.#branches) this.#insert(branch, step.candidate);
    this.#take(step, answer.records ?? []);
    for (const contact of answer.nodes) this.#learnFrom(step, contact, index, depth + 1);
    if (answer.owners !== undefined) {
      found.owners = answer.owners;
      this.#learnOwners(answer.owners, index, depth + 1);
    }
    this.#noteProgress(step.branch);
    if (this.config.records === "first" && step.hasRecords) this.#finish("record", now);
  }

  /** It answered, but not the question. */
  onRefused(index: number, now: Millis): void {
    const step = this.#steps[index];
    if (step === undefined || this.#outcome !== undefined || hasSpoken(step)) return;
    this.#settle(step, "refused", now);
    this.#drop(step);
    this.#tryElsewhere(step);
  }

  /** One more may be asked beside it. */
  onSoftTimeout(index: number): void {
    const step = this.#steps[index];
    if (step === undefined) return;
    step.isSlow = true;
    if (!step.isOpen || this.config.pace === "batches") return;
    step.isOpen = false;
    step.branch.open--;
    step.candidate.found.state = "slow";
  }

  /** The lookup goes on as if it were not there. */
  onHardTimeout(index: number): void {
    const step = this.#steps[index];
    if (step === undefined || this.#outcome !== undefined || step.outcome !== "asked") return;
    this.#settle(step, "silent", undefined);
    this.#drop(step);
    if (!step.isAside) step.branch.silent++;
    this.#tryElsewhere(step);
    if (!step.isAside) this.#noteProgress(step.branch);
  }

  /** Ends it with what it has: `deadline`, or whatever the asker calls it. */
  end(outcome: LookupOutcome, now: Millis): void {
    if (this.#outcome === undefined) this.#finish(outcome, now);
  }

  // ---- What came of it ---------------------------------------------------------------------------------------------

  step(index: number): LookupStep {
    const { candidate, branchIndex, sentAt, answeredAt, outcome, learned } = this.#steps[index]!;
    const { node, key } = candidate.found.contact;
    const { referrer, depth } = candidate;
    return { node, key, referrer, depth, branch: branchIndex, sentAt, answeredAt, outcome, learned };
  }

  /** The nodes that answered, the best first; the asker among them if it counts. */
  closest(count = this.config.count): KeyedNode[] {
    if (this.#final !== undefined) return this.#final.nodes.slice(0, count);
    const { order, self, countsSelf } = this.config;
    const answered: KeyedNode[] = countsSelf || this.#outcome === "alone" ? [self] : [];
    for (const { contact, state } of this.#found.values()) if (state === "answered") answered.push(contact);
    return answered.sort((a, b) => order(a.key, b.key)).slice(0, count);
  }

  /** Complete when it has ended. */
  report(): LookupReport {
    const { key, order, startedAt } = this.config;
    const closest = this.closest();
    const count = (outcome: StepOutcome) => this.#steps.filter((step) => step.outcome === outcome).length;
    const without = this.#steps
      .filter((step) => step.answeredAt !== undefined && step.outcome !== "refused" && !step.hasRecords)
      .map((step) => step.candidate.found.contact)
      .sort((a, b) => order(a.key, b.key));
    return {
      key,
      outcome: this.#outcome ?? "exhausted",
      closest,
      hops: this.#hopsTo(closest[0]),
      asked: this.#steps.length,
      answered: count("answered") + count("late"),
      silent: count("silent"),
      refused: count("refused"),
      startedAt,
      endedAt: this.#endedAt,
      path: this.#steps.map((_, index) => this.step(index)),
      records: this.#records,
      without,
    };
  }

  /** The referrals to the node that decided. */
  #hopsTo(first: KeyedNode | undefined): number {
    if (this.#final !== undefined) return this.#final.step?.candidate.depth ?? 0;
    const index = first === undefined ? -1 : (this.#found.get(first.key)?.index ?? -1);
    return index < 0 ? 0 : this.#steps[index]!.candidate.depth;
  }

  // ---- Whom to ask -------------------------------------------------------------------------------------------------

  /** How many more may be asked at once. */
  #roomOf({ open, withoutProgress, silent }: Branch): number {
    const { alpha, pace, endRule, width } = this.config;
    if (pace === "batches") return open === 0 ? alpha : 0;
    const isStalled = endRule === "closest-answered" && withoutProgress >= alpha;
    const slots = endRule === "closest-answered" ? alpha + silent : alpha;
    return (isStalled ? Math.max(slots, width) : slots) - open;
  }

  #nextOf({ candidates, silent }: Branch): Candidate | undefined {
    // Where some were silent others will be: those behind the best are asked before they are needed. It costs a fifth more
    // questions, but only among the dead, and takes a third off the slowest lookups (half of 200 nodes dead, p99).
    const isWidened = this.config.pace === "slots" && this.config.endRule === "closest-answered";
    let reach = this.#reachOf(candidates) + (isWidened ? silent >> 1 : 0);
    for (let i = 0; i < Math.min(reach, candidates.length); i++) {
      const { state } = candidates[i]!.found;
      if (state === "unasked") return candidates[i];
      // The one behind the best may be needed in its stead.
      if (state === "slow") reach++;
      // Whoever is behind one that answered is not before the key.
      if (state === "answered" && this.config.endRule === "owner-answered") break;
    }
    return this.config.endRule === "owner-answered" ? this.#nextOwner() : undefined;
  }

  /** So many of the first candidates matter: those that, with the asker if it counts, are the `width` best. */
  #reachOf(candidates: readonly Candidate[]): number {
    const { width, countsSelf, order, self } = this.config;
    if (candidates.length < width) return candidates.length;
    const last = candidates[width - 1]!.found.contact.key;
    return countsSelf && order(self.key, last) < 0 ? width - 1 : width;
  }

  /** "owner-answered": the step that the node before the key answered; -1: that is the asker. Undefined: not known yet. */
  #indexOfPredecessor(): number | undefined {
    const [{ candidates }] = this.#branches as [Branch];
    const first = candidates[0]?.found;
    if (first === undefined) return -1;
    return first.state === "answered" ? first.index : undefined;
  }

  /** The first that may own the key, when it is known who precedes it. */
  #nextOwner(): Candidate | undefined {
    if (this.#indexOfPredecessor() === undefined) return undefined;
    return this.#owners.find(({ found }) => found.state === "unasked");
  }

  #endWithOwner(now: Millis): boolean {
    if (this.config.endRule !== "owner-answered") return false;
    const predecessor = this.#indexOfPredecessor();
    const owner = this.#owners[0]?.found;
    if (predecessor === undefined || owner?.state !== "answered") return false;
    const behind = owner.owners?.[0]?.key === owner.contact.key ? owner.owners : this.#allOwners();
    this.#endWith(this.#steps[predecessor], behind, now);
    return true;
  }

  #allOwners(): KeyedNode[] {
    return this.#owners.map(({ found }) => found.contact);
  }

  #ask(
    candidate: Candidate,
    branch: Branch,
    { branchIndex, isAside, now }: { branchIndex: number; isAside: boolean; now: Millis },
  ): LookupQuestion {
    const index = this.#steps.length;
    const { found } = candidate;
    found.index = index;
    if (!isAside) {
      found.state = "asked";
      branch.open++;
    }
    this.#steps.push({
      candidate,
      branch,
      branchIndex,
      sentAt: now,
      answeredAt: undefined,
      outcome: "asked",
      learned: 0,
      isOpen: !isAside,
      isAside,
      isSlow: false,
      hasRecords: false,
    });
    return { index, to: found.contact };
  }

  /** "closest-answered": in each branch the best ones known have answered, to whichever branch asked them. */
  #isComplete(): boolean {
    if (this.config.endRule !== "closest-answered") return false;
    let answered = 0;
    for (const { candidates } of this.#branches) {
      const reach = this.#reachOf(candidates);
      for (let i = 0; i < reach; i++) {
        if (candidates[i]!.found.state !== "answered") return false;
        answered++;
      }
    }
    return answered > 0 && !this.#isSuspectAwaited();
  }

  /** Is there a suspect, among the best if it answers, that may still answer in time? */
  #isSuspectAwaited(): boolean {
    return this.#steps.some(({ isAside, isSlow, outcome, candidate, branch }) => {
      if (!isAside || isSlow || outcome !== "asked") return false;
      return this.#rankOf(branch, candidate.found.contact.key).rank < this.config.width;
    });
  }

  /** May an answer still come that matters? */
  #isWaiting(): boolean {
    return this.#steps.some((step) => step.outcome === "asked");
  }

  // ---- What answers teach ------------------------------------------------------------------------------------------

  #learnFrom(step: Step, contact: KeyedNode, referrer: number, depth: number): void {
    const known = this.#found.get(contact.key);
    if (this.#learn(step.branch, contact, referrer, depth) && known === undefined) step.learned++;
  }

  /** True if the branch has not heard of it before. */
  #learn(branch: Branch, contact: KeyedNode, referrer: number, depth: number): boolean {
    const { key } = contact;
    if (key === this.config.self.key) return false;
    let found = this.#found.get(key);
    if (found === undefined) {
      const isSuspect = this.config.isSuspect?.(contact) === true;
      found = { contact, index: -1, state: isSuspect ? "gone" : "unasked", retries: 0 };
      this.#found.set(key, found);
      if (isSuspect) {
        if (this.#rankOf(branch, key).rank < this.#maxCandidates)
          this.#suspects.push({ candidate: { found, referrer, depth }, branch });
        return true;
      }
    } else if (found.state === "gone") {
      // Whoever named it first may have lied about where it is.
      if (found.contact.node === contact.node || found.retries >= maxRetries) return false;
      found = { contact, index: found.index, state: "unasked", retries: found.retries + 1 };
      this.#found.set(key, found);
    } else if (found.state !== "answered" && found.contact.node !== contact.node) {
      found.elsewhere ??= { contact, referrer, depth };
    }
    return this.#insert(branch, { found, referrer, depth });
  }

  /** Whoever named another address has answered already, and will not name it again. */
  #tryElsewhere({ candidate, branch }: Step): void {
    const { elsewhere } = candidate.found;
    if (elsewhere !== undefined) this.#learn(branch, elsewhere.contact, elsewhere.referrer, elsewhere.depth);
  }

  /** True if there is one. */
  #learnOwners(contacts: readonly KeyedNode[], referrer: number, depth: number): boolean {
    const { key, self } = this.config;
    for (const contact of contacts) {
      if (this.#owners.some(({ found }) => found.contact.key === contact.key)) continue;
      // The asker owns the key, and does not know it yet: it needs not ask itself.
      if (contact.key === self.key) {
        const found: Found = { contact: self, index: -1, state: "answered", retries: 0 };
        this.#owners.push({ found, referrer, depth, isOwner: true });
        continue;
      }
      let found = this.#found.get(contact.key);
      if (found?.state === "gone") continue;
      if (found === undefined) {
        found = { contact, index: -1, state: "unasked", retries: 0 };
        this.#found.set(contact.key, found);
      }
      this.#owners.push({ found, referrer, depth, isOwner: true });
    }
    this.#owners.sort((a, b) => compareUp(key, a.found.contact.key, b.found.contact.key));
    if (this.#owners.length > maxOwners) this.#owners.length = maxOwners;
    return this.#owners.length > 0;
  }

  /** False if it is there, or too far away to matter. */
  #insert(branch: Branch, candidate: Candidate): boolean {
    const { candidates } = branch;
    const { rank, isThere } = this.#rankOf(branch, candidate.found.contact.key);
    if (isThere || rank >= this.#maxCandidates) return false;
    candidates.splice(rank, 0, candidate);
    if (candidates.length > this.#maxCandidates) candidates.pop();
    return true;
  }

  /** How many candidates of the branch come before this key. */
  #rankOf({ candidates }: Branch, key: Key): { rank: number; isThere: boolean } {
    const { order } = this.config;
    let low = 0;
    let high = candidates.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const difference = order(candidates[middle]!.found.contact.key, key);
      if (difference === 0) return { rank: middle, isThere: true };
      if (difference < 0) low = middle + 1;
      else high = middle;
    }
    return { rank: low, isThere: false };
  }

  #noteProgress(branch: Branch): void {
    const best = bestOf(branch);
    const isBetter =
      best !== undefined && (branch.best === undefined || this.config.order(best, branch.best) < 0);
    branch.best = best;
    branch.withoutProgress = isBetter ? 0 : branch.withoutProgress + 1;
  }

  #take(step: Step, records: readonly StoredRecord[]): void {
    for (const record of records) {
      // Of another key: whoever sends it is mistaken, or worse.
      if (record.statement.key !== this.config.key) continue;
      step.hasRecords = true;
      if (this.#records.length < maxRecords)
        this.#records.push({ from: step.candidate.found.contact.node, record });
    }
  }

  #settle(step: Step, outcome: StepOutcome, answeredAt: Millis | undefined): void {
    if (step.isOpen) {
      step.isOpen = false;
      step.branch.open--;
    }
    step.outcome = outcome;
    step.answeredAt = answeredAt;
  }

  /** It is no candidate any more, in any branch. */
  #drop({ candidate }: Step): void {
    const { found } = candidate;
    found.state = "gone";
    for (const branch of this.#branches) {
      const place = branch.candidates.findIndex((one) => one.found === found);
      if (place >= 0) branch.candidates.splice(place, 1);
    }
    this.#owners = this.#owners.filter((one) => one.found !== found);
  }

  #endWith(step: Step | undefined, nodes: readonly KeyedNode[], now: Millis): void {
    this.#final = { step, nodes };
    this.#finish("found", now);
  }

  #finish(outcome: LookupOutcome, now: Millis): void {
    this.#outcome = outcome;
    this.#endedAt = now;
  }
}

function bestOf({ candidates }: Branch): Key | undefined {
  return candidates[0]?.found.contact.key;
}

function hasSpoken({ outcome }: Step): boolean {
  return outcome === "answered" || outcome === "late" || outcome === "refused";
}
