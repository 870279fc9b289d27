/**
 * Addresses within the page stand behind the `#`, the questions too: `#/network?node=peer-3`. What stands before it
 * (`?trace=run.ndjson`) says which network is shown, and stays when one walks from view to view.
 */
import { useSyncExternalStore } from "react";

/** `#/network?node=peer-3` as path and question. */
export function splitHash(hash: string): { readonly path: string; readonly search: string } {
  const [path = "", ...search] = hash.replace(/^#?\/?/, "").split("?");
  return { path: `/${path}`, search: search.join("?") };
}

/** A part of a path, as it was before `encodeURIComponent`; as it stands where somebody typed what that never makes. */
export function decodedPart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function subscribe(listener: () => void): () => void {
  addEventListener("hashchange", listener);
  addEventListener("popstate", listener);
  return () => {
    removeEventListener("hashchange", listener);
    removeEventListener("popstate", listener);
  };
}

function navigate(
  to: string,
  { replace = false, state = null }: { replace?: boolean; state?: unknown } = {},
): void {
  const address = `${location.pathname}${location.search}#${to}`;
  if (replace) history.replaceState(state, "", address);
  else history.pushState(state, "", address);
  // Neither says so by itself.
  dispatchEvent(new PopStateEvent("popstate", { state }));
}

export function useHashAddress(): [string, typeof navigate] {
  return [useSyncExternalStore(subscribe, () => splitHash(location.hash).path), navigate];
}
useHashAddress.hrefs = (href: string) => `#${href}`;

export function useHashSearch(): string {
  return useSyncExternalStore(subscribe, () => splitHash(location.hash).search);
}
