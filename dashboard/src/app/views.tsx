/** The views, each with its own address: `#/network`, `#/spread/<message>`, … */
import {
  IconAffiliate,
  IconArrowsLeftRight,
  IconChartDots3,
  IconFlask,
  IconGitFork,
  IconHeartbeat,
  IconListSearch,
  type IconProps,
  IconTopologyStar3,
} from "@tabler/icons-react";
import type { ComponentType } from "react";
import { CompareView } from "../laboratory/compare-view.tsx";
import { LaboratoryView } from "../laboratory/laboratory-view.tsx";
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
  readonly Icon: ComponentType<IconProps>;
  readonly Component: ComponentType;
  /** It needs no network, and is shown where none was chosen. */
  readonly isAlone?: boolean;
}

export const views: readonly View[] = [
  {
    path: "/network",
    name: "Network",
    about: "Who is there and who is linked, as it happens",
    Icon: IconTopologyStar3,
    Component: NetworkView,
  },
  {
    path: "/spread",
    name: "Spread",
    about: "How a message reached everybody, beside what theory says",
    Icon: IconAffiliate,
    Component: SpreadView,
  },
  {
    path: "/overlay",
    name: "Overlay",
    about: "Degrees and their law, distances, what hubs carry",
    Icon: IconChartDots3,
    Component: OverlayView,
  },
  {
    path: "/liveness",
    name: "Liveness",
    about: "Who failed, who noticed, and how soon",
    Icon: IconHeartbeat,
    Component: LivenessView,
  },
  {
    path: "/traffic",
    name: "Traffic",
    about: "Messages and bytes, latency, queues",
    Icon: IconArrowsLeftRight,
    Component: TrafficView,
  },
  {
    path: "/events",
    name: "Events",
    about: "Everything that happened, to search",
    Icon: IconListSearch,
    Component: EventsView,
  },
  {
    path: "/laboratory",
    name: "Laboratory",
    about: "Networks, scenarios and epidemics, simulated in this page",
    Icon: IconFlask,
    Component: LaboratoryView,
    isAlone: true,
  },
  {
    path: "/compare",
    name: "Compare",
    about: "A simulated run and its fork, side by side",
    Icon: IconGitFork,
    Component: CompareView,
  },
];
