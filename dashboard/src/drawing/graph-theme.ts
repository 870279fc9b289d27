/** Colors of the drawing that mean nothing by themselves, for both schemes of the page. */
export interface GraphTheme {
  readonly background: string;
  readonly link: string;
  readonly linkStrong: string;
  readonly severed: string;
  readonly glow: string;
  readonly outline: string;
  readonly text: string;
  readonly peer: string;
  readonly seed: string;
  readonly selection: string;
}

export const darkTheme: GraphTheme = {
  background: "#16181d",
  link: "rgba(150, 165, 190, 0.30)",
  linkStrong: "#c3cede",
  severed: "#f08c4f",
  glow: "#7ad7ff",
  outline: "#0c0e12",
  text: "#dfe4ec",
  peer: "#8fa8cc",
  seed: "#a98bff",
  selection: "#ffffff",
};

export const lightTheme: GraphTheme = {
  background: "#ffffff",
  link: "rgba(70, 85, 110, 0.26)",
  linkStrong: "#48566d",
  severed: "#c2410c",
  glow: "#0284c7",
  outline: "#ffffff",
  text: "#1d2430",
  peer: "#5f7aa3",
  seed: "#6a3fd8",
  selection: "#000000",
};
