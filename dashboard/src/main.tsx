import "@mantine/core/styles.css";
import "./app/theme.css";
import { MantineProvider } from "@mantine/core";
import { createRoot } from "react-dom/client";
import { Root } from "./app/root.tsx";

// Without variables and classes of its own the provider writes no style elements, which the page's policy forbids.
createRoot(document.getElementById("root")!).render(
  <MantineProvider
    defaultColorScheme="auto"
    theme={{ primaryColor: "violet" }}
    withCssVariables={false}
    withGlobalClasses={false}
  >
    <Root />
  </MantineProvider>,
);
