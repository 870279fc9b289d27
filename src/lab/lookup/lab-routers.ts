/** The routers as the laboratory knows them: how a node of a simulated network is made of each, and what is right. */
import { type RoutingProtocol, Stack, UsageError } from "../../core/index.ts";
import type { LookupSettings, RouterName } from "../../lookup/index.ts";
import type { KeySpace, Responsibility } from "./key-space.ts";
import type { Place } from "./lookup-network.ts";

export type LabRouterName = Exclude<RouterName, "none">;

export interface RouterTuning {
  readonly settings?: Partial<LookupSettings> | undefined;
  /** Of the protocol's own section. */
  readonly options?: Readonly<Record<string, unknown>> | undefined;
}

export interface LabRouter {
  readonly name: string;
  /** Who is responsible: what an answer is held against. */
  readonly order: Responsibility;
  make(place: Place, tuning: RouterTuning): RoutingProtocol;
  /** The table that a node of a network has in which all is as it should be. */
  tableOf(row: number, keys: KeySpace): unknown;
}

export const labRouters: readonly LabRouter[] = [];

/** Throws `UsageError`. */
export function labRouterNamed(name: string): LabRouter {
  const router = labRouters.find((one) => one.name === name);
  if (router !== undefined) return router;
  throw new UsageError(
    `routers: there is no "${name}"; there are ${labRouters.map((one) => one.name).join(", ")}`,
  );
}

/** The router as the only layer of a stack, as messages on the wire want it. */
export function stackOf(router: LabRouter, place: Place, tuning: RouterTuning = {}): Stack {
  return new Stack({ [router.name]: router.make(place, tuning) });
}
