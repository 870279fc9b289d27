/**
 * Leaves out halves, quarters, …, single steps, as long as `breaks` holds for what is left (delta debugging, Zeller and
 * Hildebrandt 2002). Returns the shortest list for which it held.
 */
export async function fewerSteps<Step>(
  steps: readonly Step[],
  breaks: (fewer: readonly Step[]) => boolean | Promise<boolean>,
): Promise<readonly Step[]> {
  let left = steps;
  let chunk = Math.ceil(left.length / 2);
  while (chunk >= 1 && left.length > 0) {
    let at = 0;
    while (at < left.length) {
      const fewer = left.filter((_, i) => i < at || i >= at + chunk);
      if (await breaks(fewer)) left = fewer;
      else at += chunk;
    }
    chunk = chunk === 1 ? 0 : Math.ceil(chunk / 2);
  }
  return left;
}
