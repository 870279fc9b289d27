/** The views, each with its own address: `#/network`, `#/spread/<message>`, … */
import type { ComponentType } from "react";
import { EventsView } from "../views/events/events-view.tsx";
import { LivenessView } from "../views/liveness/liveness-view.tsx";
import { NetworkView } from "../views/network/network-view.tsx";
import { OverlayView } from "../views/overlay/overlay-view.tsx";
import { SpreadView } from "../views/spread/spread-view.tsx";
import { TrafficView } from "../views/traffic/traffic-view.tsx";

export interface View {
  readonly path: string;
  readonly name: string;
  /** One line: what one sees here. */
  readonly about: string;
  readonly Component: ComponentType;
}

export const views: readonly View[] = [
  {
    path: "/network",
    name: "Network",
    about: "Who is there and who is linked, as it happens",
    Component: NetworkView,
  },
  {
    path: "/spread",
    name: "Spread",
    about: "How a message reached everybody, beside what theory says",
    Component: SpreadView,
  },
  {
    path: "/overlay",
    name: "Overlay",
    about: "Degrees and their law, distances, what hubs carry",
    Component: OverlayView,
  },
  {
    path: "/liveness",
    name: "Liveness",
    about: "Who failed, who noticed, and how soon",
    Component: LivenessView,
  },
  { path: "/traffic", name: "Traffic", about: "Messages and bytes, latency, queues", Component: TrafficView },
  { path: "/events", name: "Events", about: "Everything that happened, to search", Component: EventsView },
];
