/** What a view that fails leaves in its place: the rest of the page, and the network, go on. */
import { Button, Code, Title } from "@mantine/core";
import { Component, type ReactNode } from "react";
import classes from "./view-boundary.module.css";

interface ViewBoundaryProps {
  /** With another one, what failed is tried again. */
  readonly of: string;
  readonly children: ReactNode;
}

interface ViewBoundaryState {
  readonly of: string;
  readonly failure: { readonly why: string } | undefined;
}

export class ViewBoundary extends Component<ViewBoundaryProps, ViewBoundaryState> {
  override state: ViewBoundaryState = { of: this.props.of, failure: undefined };

  static getDerivedStateFromError(error: unknown): Partial<ViewBoundaryState> {
    return { failure: { why: error instanceof Error ? error.message : String(error) } };
  }

  static getDerivedStateFromProps({ of }: ViewBoundaryProps, state: ViewBoundaryState) {
    return of === state.of ? null : { of, failure: undefined };
  }

  override render(): ReactNode {
    const { failure } = this.state;
    if (failure === undefined) return this.props.children;
    return (
      <section className={classes["failure"]} role="alert">
        <Title order={2} size="h4">
          This view has failed
        </Title>
        <p className={classes["text"]}>
          It is a mistake of the page, and not of the network, which goes on. Try again, go to another view,
          or load the page anew.
        </p>
        <Code className={classes["why"]}>{failure.why}</Code>
        <div className={classes["buttons"]}>
          <Button size="sm" onClick={() => this.setState({ failure: undefined })}>
            Try again
          </Button>
          <Button size="sm" variant="default" onClick={() => location.reload()}>
            Load the page anew
          </Button>
        </div>
      </section>
    );
  }
}
