/**
 * The end of the event loop's turn, shared by all nodes of the process: letters with no delay are read, then every
 * link that has something to say writes once. One write per link per turn is what keeps small messages cheap.
 */
const letters: (() => void)[] = [];
const writers: Flushable[] = [];
let isScheduled = false;

export interface Flushable {
  flush(): void;
}

/** Runs `letter` after everything that arrived in this turn has been handled. */
export function atEndOfTurn(letter: () => void): void {
  letters.push(letter);
  schedule();
}

/** Has `writer` flushed once when the turn ends, after the letters. The caller asks once per turn. */
export function flushAtEndOfTurn(writer: Flushable): void {
  writers.push(writer);
  schedule();
}

function schedule(): void {
  if (isScheduled) return;
  isScheduled = true;
  setImmediate(endTurn);
}

function endTurn(): void {
  isScheduled = false;
  // Letters written by these letters belong to the next turn, or a node could hold the loop for ever.
  const due = letters.splice(0);
  let read = 0;
  try {
    while (read < due.length) due[read++]!();
  } finally {
    // A letter that throws has spoilt itself only: those of other nodes behind it are read in the next turn.
    if (read < due.length) {
      letters.unshift(...due.slice(read));
      schedule();
    }
    for (const writer of writers.splice(0)) writer.flush();
  }
}
