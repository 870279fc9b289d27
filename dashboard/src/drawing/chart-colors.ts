/** Colors of a chart that are not those of its lines. */
export interface ChartColors {
  readonly background: string;
  readonly text: string;
  readonly grid: string;
  readonly cursor: string;
}

export const chartColors = {
  dark: { background: "#242424", text: "#b4bac4", grid: "#ffffff14", cursor: "#e9ecef" },
  light: { background: "#ffffff", text: "#4a515c", grid: "#0000000f", cursor: "#212529" },
} as const satisfies Record<string, ChartColors>;
