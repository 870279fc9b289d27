/** Formulas hold for some values only; whoever asks beyond them gets the range instead of a number. */
import { UsageError } from "../core/errors.ts";

export interface Range {
  readonly least?: number;
  readonly most?: number;
  /** The value must be larger than this. */
  readonly above?: number;
  /** The value must be smaller than this. */
  readonly below?: number;
}

/** Throws `UsageError` unless the value is a finite number in the range. */
export function checkNumber(name: string, value: number, range: Range): void {
  if (!Number.isFinite(value)) throw new UsageError(`${name}: ${value} is not a finite number`);
  const { least = -Infinity, most = Infinity, above = -Infinity, below = Infinity } = range;
  if (value < least) throw new UsageError(`${name}: ${value} is less than ${least}`);
  if (value > most) throw new UsageError(`${name}: ${value} is more than ${most}`);
  if (value <= above) throw new UsageError(`${name}: ${value} is not more than ${above}`);
  if (value >= below) throw new UsageError(`${name}: ${value} is not less than ${below}`);
}

/** Throws `UsageError` unless the value is a whole number in the range. */
export function checkWhole(name: string, value: number, range: Range): void {
  if (!Number.isSafeInteger(value)) throw new UsageError(`${name}: ${value} is not an integer`);
  checkNumber(name, value, range);
}

/** Throws `UsageError` unless the value is from 0 to 1, both included. */
export function checkShare(name: string, value: number): void {
  checkNumber(name, value, { least: 0, most: 1 });
}
