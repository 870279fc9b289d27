import { type RefCallback, useCallback, useState } from "react";

/** The width of an element, and the reference to put on it. */
export function useWidth<T extends HTMLElement>(before: number): [RefCallback<T>, number] {
  const [width, setWidth] = useState(before);
  const host = useCallback((element: T | null) => {
    if (element === null) return;
    const measure = () => setWidth(Math.max(1, Math.floor(element.clientWidth)));
    const resizes = new ResizeObserver(measure);
    resizes.observe(element);
    measure();
    return () => resizes.disconnect();
  }, []);
  return [host, width];
}
