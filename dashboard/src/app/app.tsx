import type { ComponentType } from "react";
import { Redirect, Route, Router, Switch } from "wouter";
import { EmptySource } from "../sources/empty-source.ts";
import { useLiveTimeline } from "../timeline/use-timeline.ts";
import { Chooser } from "./chooser.tsx";
import { Frame } from "./frame.tsx";
import { useHashAddress, useHashSearch } from "./hash-address.ts";
import { ViewBoundary } from "./view-boundary.tsx";
import { views } from "./views.tsx";

export function App() {
  return (
    <Router hook={useHashAddress} searchHook={useHashSearch}>
      <Frame>
        <Switch>
          {views.map(({ path, Component, isAlone }) => (
            <Route key={path} path={`${path}/*?`}>
              <ViewBoundary of={path}>
                {isAlone ? <Component /> : <OfNetwork Component={Component} />}
              </ViewBoundary>
            </Route>
          ))}
          <Route>
            <Redirect to="/network" replace />
          </Route>
        </Switch>
      </Frame>
    </Router>
  );
}

/** Views are about a network: until one has said hello there is nothing to show, and where none will, one chooses. */
function OfNetwork({ Component }: { readonly Component: ComponentType }) {
  const { source, state, hello } = useLiveTimeline(2);
  if (hello !== undefined) return <Component />;
  return source instanceof EmptySource || state.type === "ended" ? <Chooser /> : null;
}
