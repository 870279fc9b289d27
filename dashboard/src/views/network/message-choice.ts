/** Which message the network view follows. */
import type { Millis } from "../../../../src/core/index.ts";
import type { BookedMessage, MessageBook } from "../../../../src/trace/message-book.ts";
import { decodedPart } from "../../app/hash-address.ts";

export type MessageChoice =
  /** The last that was published, seen from the cursor. */
  { readonly type: "latest" } | { readonly type: "none" } | { readonly type: "one"; readonly key: string };

const noMessage = "none";

/** From the address: `#/network`, `#/network/none`, `#/network/<message>`. */
export function choiceOf(path: string): MessageChoice {
  const [, , key = ""] = path.split("/");
  if (key === "") return { type: "latest" };
  return key === noMessage ? { type: "none" } : { type: "one", key: decodedPart(key) };
}

export function pathOf(choice: MessageChoice): string {
  if (choice.type === "latest") return "/network";
  return `/network/${choice.type === "none" ? noMessage : encodeURIComponent(choice.key)}`;
}

export function messageAt(
  messages: MessageBook,
  choice: MessageChoice,
  at: Millis,
): BookedMessage | undefined {
  if (choice.type === "none") return undefined;
  if (choice.type === "one") return messages.get(choice.key);
  let latest: BookedMessage | undefined;
  for (const message of messages.messages) {
    if (message.publishedAt <= at && (latest === undefined || message.publishedAt >= latest.publishedAt))
      latest = message;
  }
  return latest;
}
