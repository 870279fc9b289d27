import { Redirect, Route, Router, Switch } from "wouter";
import { EmptySource } from "../sources/empty-source.ts";
import { useTimeline } from "../timeline/use-timeline.ts";
import { Chooser } from "./chooser.tsx";
import { Frame } from "./frame.tsx";
import { useHashAddress, useHashSearch } from "./hash-address.ts";
import { views } from "./views.tsx";

export function App() {
  const { source } = useTimeline();
  const isEmpty = source instanceof EmptySource;
  return (
    <Router hook={useHashAddress} searchHook={useHashSearch}>
      <Frame>
        <Switch>
          {views.map(({ path, Component, isAlone }) => (
            <Route
              key={path}
              path={`${path}/*?`}
              component={isEmpty && isAlone !== true ? Chooser : Component}
            />
          ))}
          <Route>
            <Redirect to="/network" replace />
          </Route>
        </Switch>
      </Frame>
    </Router>
  );
}
