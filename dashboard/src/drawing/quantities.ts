/** Numbers with their units, as short as they can be told apart. */

const small = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });

const byteUnits = ["B", "kB", "MB", "GB", "TB"] as const;

/** `1,234`, `0.25`, `1.2M`. */
export function formatNumber(value: number): string {
  const size = Math.abs(value);
  return (size < 1000 ? small : size < 100_000 ? whole : compact).format(value);
}

/** 1000 bytes are 1 kB. */
function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 1000 && unit < byteUnits.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${Number(value.toPrecision(3))} ${byteUnits[unit]}`;
}

/** `240 ms`, `2.31 s`, `1 m 05 s`, `2 h 10 m`. */
export function formatTime(ms: number): string {
  if (ms < 0) return `−${formatTime(-ms)}`;
  if (ms < 1000) return `${Number(ms.toPrecision(3))} ms`;
  if (ms < 59_995) return `${Number((ms / 1000).toPrecision(3))} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m ${twoDigits(seconds % 60)} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${twoDigits(minutes % 60)} m`;
}

/** A value with its unit: `ms`, `B` and `B/s` choose a larger one where it reads better. */
export function formatQuantity(value: number, unit: string): string {
  if (!Number.isFinite(value)) return "–";
  if (unit === "ms") return formatTime(value);
  if (unit === "B") return formatBytes(value);
  if (unit === "B/s") return `${formatBytes(value)}/s`;
  return unit === "" ? formatNumber(value) : `${formatNumber(value)} ${unit}`;
}

/** Steps between the ticks of a time axis. */
export const timeStepsMs: readonly number[] = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 30_000, 60_000, 120_000, 300_000,
  600_000, 1_200_000, 1_800_000, 3_600_000, 7_200_000, 18_000_000, 36_000_000, 86_400_000,
];

/** The tick at that time, where the axis ends at `lastMs` and ticks are `stepMs` apart. */
export function formatTimeTick(ms: number, stepMs: number, lastMs: number): string {
  if (lastMs < 1000) return `${ms} ms`;
  if (lastMs < 60_000) return `${Number((ms / 1000).toFixed(3))} s`;
  const seconds = Math.floor(Math.abs(ms) / 1000);
  const fraction = stepMs < 1000 ? `.${String(Math.round(Math.abs(ms) % 1000)).padStart(3, "0")}` : "";
  const sign = ms < 0 ? "−" : "";
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const minutes = h > 0 ? `${h}:${twoDigits(m)}` : `${m}`;
  return `${sign}${minutes}:${twoDigits(s)}${fraction}`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}
