/**
 * Notices that this process stood still: a blocked event loop, a stopped process, a machine that slept. One timer for
 * all nodes; whoever listens hears how long nothing could happen, before the timers that came due meanwhile blame
 * others for it (Lifeguard's local health, fed by our own delay).
 */

/** How often it looks. A loop that is late by less is no news for anybody. */
const lookMs = 100;

const listeners = new Set<(stalledMs: number) => void>();
let timer: NodeJS.Timeout | undefined;
let dueAt = 0;

/** Calls `listener` after each stall; call the result to stop. */
export function onStall(listener: (stalledMs: number) => void): () => void {
  listeners.add(listener);
  if (timer === undefined) {
    dueAt = performance.now() + lookMs;
    timer = setInterval(look, lookMs);
    timer.unref();
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

function look(): void {
  const now = performance.now();
  const lateMs = Math.floor(now - dueAt);
  dueAt = now + lookMs;
  if (lateMs < lookMs) return;
  for (const listener of [...listeners]) listener(lateMs);
}
