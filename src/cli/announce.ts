import { type Announcement, announce, UsageError } from "../node/index.ts";

/**
 * Lets the other commands find this process. Where its folder cannot be used the node goes on all the same, and the
 * commands need `--api`.
 */
export function announceOrWarn(announcement: Announcement): () => void {
  try {
    return announce(announcement);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`grapevine: other commands need --api ${announcement.url} (${error.message})\n`);
    return () => {};
  }
}
