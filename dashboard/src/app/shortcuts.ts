/** Keys that mean the same in every view. A view that needs a key for itself prevents the default. */
import { useEffect } from "react";

export interface Shortcut {
  /** As `KeyboardEvent.key` says it. */
  readonly key: string;
  readonly isShifted?: boolean;
  /** How the key is called on the screen. */
  readonly label: string;
  readonly what: string;
  readonly act: () => void;
}

/** Where keys belong to what has the focus. */
const takesKeys =
  "input, textarea, select, [contenteditable=true], [role=listbox], [role=grid], [role=menu], [role=dialog], [data-takes-keys]";
/** These are moved by the keys that move. */
const takesMoves = "[role=slider], [role=tablist], [role=radiogroup], [role=toolbar]";
const moves: ReadonlySet<string> = new Set(["ArrowLeft", "ArrowRight", "Home", "End"]);
/** These are pressed with the space bar. */
const takesSpace = "button, a, summary, [role=button], [role=tab], [role=switch], [role=option]";

export function useShortcuts(shortcuts: readonly Shortcut[]): void {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      const target = event.target instanceof Element ? event.target : document.body;
      if (target.closest(takesKeys) !== null) return;
      if (moves.has(event.key) && target.closest(takesMoves) !== null) return;
      if (event.key === " " && target.closest(takesSpace) !== null) return;
      const shortcut = shortcuts.find(
        ({ key, isShifted }) =>
          key === event.key && (isShifted === undefined || isShifted === event.shiftKey),
      );
      if (shortcut === undefined) return;
      event.preventDefault();
      shortcut.act();
    };
    addEventListener("keydown", onKeyDown);
    return () => removeEventListener("keydown", onKeyDown);
  }, [shortcuts]);
}
