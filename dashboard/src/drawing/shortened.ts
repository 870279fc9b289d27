const maxLength = 28;

/** A name for a drawing: of a long one its beginning and its end, since numbers stand there. */
export function shortened(name: string): string {
  if (name.length <= maxLength) return name;
  const half = maxLength / 2;
  return `${name.slice(0, half)}…${name.slice(1 - half)}`;
}
