import { Redirect, Route, Router, Switch } from "wouter";
import { useHashLocation } from "wouter/use-hash-location";
import { views } from "./views.tsx";

export function App() {
  return (
    <Router hook={useHashLocation}>
      <Switch>
        {views.map(({ path, Component }) => (
          <Route key={path} path={`${path}/*?`} component={Component} />
        ))}
        <Route>
          <Redirect to="/network" />
        </Route>
      </Switch>
    </Router>
  );
}
