/** Moments and spans as people read them. */

/** Since the beginning of the run: `+12.345 s`, `+1:02.345`, `+2:01:02.345`. */
export function sinceText(ms: number): string {
  const sign = ms < 0 ? "−" : "+";
  const whole = Math.round(Math.abs(ms));
  const seconds = (whole % 60_000) / 1000;
  const minutes = Math.floor(whole / 60_000);
  if (minutes === 0) return `${sign}${seconds.toFixed(3)} s`;
  const clock = seconds.toFixed(3).padStart(6, "0");
  if (minutes < 60) return `${sign}${minutes}:${clock}`;
  return `${sign}${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${clock}`;
}

/** Time of day, to the second. */
export function clockText(at: number): string {
  const date = new Date(at);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

export const speeds = [0.1, 0.25, 0.5, 1, 2, 5, 10, 25, 100] as const;

export function speedText(speed: number): string {
  return Number.isFinite(speed) ? `${speed}×` : "max";
}
