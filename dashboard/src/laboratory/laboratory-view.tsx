/** A laboratory without a server: networks, scenarios and epidemics that are simulated in a worker of the page. */
import { Link, Redirect, useLocation } from "wouter";
import { EpidemicTab } from "./epidemic-tab.tsx";
import { type Lab, labOf } from "./lab-address.ts";
import classes from "./laboratory.module.css";
import { textOf } from "./network-run.ts";
import { NetworkTab } from "./network-tab.tsx";
import { RunPanel } from "./run-panel.tsx";
import { ScenarioTab } from "./scenario-tab.tsx";

const tabs = [
  { kind: "network", name: "Network" },
  { kind: "scenario", name: "Scenario" },
  { kind: "epidemic", name: "Epidemic, up to a million nodes" },
] as const;

export function LaboratoryView() {
  const [path] = useLocation();
  const { lab, wrong } = askedFor(location.search);
  const shown = tabs.find(({ kind }) => path === `/laboratory/${kind}`);
  if (shown === undefined) return <Redirect to={`/laboratory/${lab?.kind ?? "network"}`} replace />;
  return (
    <section className={classes["view"]} aria-label="Laboratory">
      <nav className={classes["tabs"]} aria-label="Kinds of experiments">
        {tabs.map(({ kind, name }) => (
          <Link
            key={kind}
            href={`/laboratory/${kind}`}
            className={classes["tab"]!}
            aria-current={kind === shown.kind ? "page" : undefined}
          >
            {name}
          </Link>
        ))}
      </nav>
      {wrong !== undefined && (
        <p className={`${classes["wrong"]} ${classes["scroll"]}`} role="alert">
          The address cannot be used: {wrong}
        </p>
      )}
      {shown.kind === "epidemic" ? (
        <EpidemicTab asked={lab?.kind === "epidemic" ? lab : undefined} />
      ) : (
        <div className={classes["columns"]}>
          <div className={classes["scroll"]}>
            {shown.kind === "network" ? (
              <NetworkTab asked={lab?.kind === "network" ? lab : undefined} />
            ) : (
              <ScenarioTab asked={lab?.kind === "scenario" ? lab : undefined} />
            )}
          </div>
          <aside
            className={`${classes["scroll"]} ${classes["side"]}`}
            // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
            tabIndex={0}
            aria-label="Result"
          >
            <RunPanel />
          </aside>
        </div>
      )}
    </section>
  );
}

function askedFor(search: string): { readonly lab: Lab | undefined; readonly wrong?: string } {
  try {
    return { lab: labOf(search) };
  } catch (error) {
    return { lab: undefined, wrong: textOf(error) };
  }
}
