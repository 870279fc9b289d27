import { UsageError } from "../core/index.ts";

/** Reads a whole number for commander: `wholeNumber("--peers", 0, 10_000)`. The error names option, value and rule. */
export function wholeNumber(option: string, min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === "" || !Number.isInteger(value) || value < min || value > max) {
      throw new UsageError(`${option}: "${text}" is not a whole number between ${min} and ${max}`);
    }
    return value;
  };
}
