/** Shows a page where somebody sits before a screen; everywhere else its address on the terminal has to do. */
import { spawn } from "node:child_process";

export interface Surroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly platform: string;
  readonly isTerminal: boolean;
}

/** The program that opens an address, or undefined where nobody would see it. */
export function pageOpener({ environment, platform, isTerminal }: Surroundings): string | undefined {
  const { CI, DISPLAY, WAYLAND_DISPLAY } = environment;
  const hasDesktop = Boolean(DISPLAY) || Boolean(WAYLAND_DISPLAY);
  return platform === "linux" && isTerminal && hasDesktop && !CI ? "xdg-open" : undefined;
}

export function openPage(url: string): void {
  const opener = pageOpener({
    environment: process.env,
    platform: process.platform,
    isTerminal: process.stdout.isTTY === true,
  });
  if (opener === undefined) return;
  const child = spawn(opener, [url], { detached: true, stdio: "ignore" });
  // Where it is not installed, the address on the terminal has to do.
  child.on("error", () => {});
  child.unref();
}
