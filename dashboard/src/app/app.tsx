import { Redirect, Route, Router, Switch } from "wouter";
import { useHashAddress, useHashSearch } from "./hash-address.ts";
import { views } from "./views.tsx";

export function App() {
  return (
    <Router hook={useHashAddress} searchHook={useHashSearch}>
      <Switch>
        {views.map(({ path, Component }) => (
          <Route key={path} path={`${path}/*?`} component={Component} />
        ))}
        <Route>
          <Redirect to="/network" replace />
        </Route>
      </Switch>
    </Router>
  );
}
