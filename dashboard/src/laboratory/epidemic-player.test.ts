import { describe, expect, test } from "vitest";
import { type EpidemicFrame, EpidemicPlayer } from "./epidemic-player.ts";

const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await wait(5);
}

function watched(draws: () => boolean = () => true, nodes = 5000) {
  const frames: EpidemicFrame[] = [];
  const player = new EpidemicPlayer(
    { nodes, engine: "events", rumor: { mode: "push-pull" }, loss: 0, seed: 3 },
    {
      breathe: () => wait(0),
      tell: (message) => {
        if (message.type !== "frame") return;
        frames.push({ ...message, states: message.states.slice() });
        if (draws()) setTimeout(() => player.drawn(message.states), 1);
      },
    },
  );
  return { player, frames };
}

describe("an epidemic that is watched", () => {
  test("shows its beginning, and in the end that everybody knows", async () => {
    const { player, frames } = watched();
    player.setSpeed(Number.POSITIVE_INFINITY);
    await player.play();
    expect(frames.at(-1)).toMatchObject({ isOver: true, counts: { susceptible: 0, infected: 5000 } });
    expect(frames.at(-1)!.states.every((state) => state === 1)).toBe(true);
    expect(frames.flatMap(({ curve }) => curve)).toEqual(player.run.curve);
    expect(frames.at(-1)!.eventsPerSecond).toBeGreaterThan(1000);
  });

  test("stands still until it is told, and goes a round at a time", async () => {
    const { player, frames } = watched();
    void player.play();
    await wait(80);
    expect(player.run.round).toBe(0);
    for (const round of [1, 2]) {
      player.step();
      await until(() => frames.at(-1)?.counts.round === round);
      await wait(50);
      expect(player.run.round).toBe(round);
    }
  });

  test("tells a page that draws nothing no more than its buffers hold", async () => {
    // So many that it is not over before the second frame is due.
    const nodes = 200_000;
    const { player, frames } = watched(() => false, nodes);
    player.setSpeed(Number.POSITIVE_INFINITY);
    void player.play();
    await until(() => player.run.isOver && frames.length >= 2);
    await wait(80);
    expect(frames).toHaveLength(2);
    // As soon as it has drawn one it is told how it ended.
    player.drawn(new Uint8Array(nodes));
    await until(() => frames.at(-1)?.isOver === true);
  });
});
