/** The failure detectors that are compared, each as a stack for one node. */
import {
  type FailureDetector,
  type Millis,
  type NodeId,
  Stack,
  type Tagged,
  UsageError,
} from "../../core/index.ts";
import { Heartbeat, type HeartbeatOptions } from "../../membership/index.ts";
import { StaticLinks } from "./watch-graph.ts";

/** What a node is given to begin with. */
export interface DetectorPlace {
  readonly self: NodeId;
  /** Everybody else. */
  readonly others: readonly NodeId[];
  /** In a random graph. */
  readonly neighbors: readonly NodeId[];
  /** Whom newcomers call. */
  readonly introducers: readonly NodeId[];
  readonly incarnation: number;
  readonly since: Millis;
  readonly quorum: number;
  readonly incarnationOf: (node: NodeId) => number | undefined;
}

/** Options beside the detector's own. */
export interface DetectorTuning {
  readonly heartbeat?: Partial<HeartbeatOptions>;
}

export interface LabDetector {
  readonly name: string;
  readonly description: string;
  readonly watches: "everybody" | "neighbors";
  /** Its messages have a format on the wire. Otherwise `sizeOf` says what they would take. */
  readonly isOnWire: boolean;
  readonly sizeOf?: (message: Tagged) => number;
  /** What travels beside the links, each for itself. */
  readonly isDatagram: (message: Tagged) => boolean;
  make(place: DetectorPlace, tuning: DetectorTuning): MadeDetector;
}

export interface MadeDetector {
  readonly stack: Stack;
  readonly detector: FailureDetector;
}

/** Of the classic network: three links at least, more for many. */
export const watchDegree = 6;

export const labDetectors: readonly LabDetector[] = [
  {
    name: "heartbeat",
    description: "classic: a ping to each of 6 neighbors every 13 s, three misses, other neighbors are asked",
    watches: "neighbors",
    isOnWire: true,
    isDatagram: () => false,
    make: ({ neighbors, incarnation, since, incarnationOf }, tuning) => {
      const links = new StaticLinks({ neighbors, incarnationOf, relinkMs: 13_000 });
      const detector = new Heartbeat({
        view: links,
        standing: { incarnation, since },
        options: tuning.heartbeat,
      });
      return { stack: new Stack({ links, heartbeat: detector }), detector };
    },
  },
];

/** Throws `UsageError` where there is none. */
export function labDetectorNamed(name: string): LabDetector {
  const found = labDetectors.find((detector) => detector.name === name);
  if (found !== undefined) return found;
  const known = labDetectors.map((one) => one.name).join(", ");
  throw new UsageError(`detector: there is no "${name}"; there are ${known}`);
}
