import { describeAgenda } from "../../test/contracts/agenda.contract.ts";
import { HeapAgenda } from "./heap-agenda.ts";
import { TimingWheel } from "./timing-wheel.ts";

describeAgenda("the timing wheel", () => new TimingWheel());
describeAgenda("the heap", () => new HeapAgenda());
