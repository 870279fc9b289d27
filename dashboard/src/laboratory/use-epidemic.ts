/** An epidemic in a worker, for a component: its latest frame, its curve, and what can be done to it. */
import { useCallback, useEffect, useRef, useState } from "react";
import type { EpidemicFrame, FromEpidemic, ToEpidemic } from "./epidemic-player.ts";
import type { EpidemicConfig, EpidemicCounts } from "./epidemic-run.ts";

export interface PlayedEpidemic {
  readonly frame: EpidemicFrame | undefined;
  readonly curve: readonly EpidemicCounts[];
  /** Rows by when they heard it, once a run of this config has said so: the next one is the same. */
  readonly order: Uint32Array | undefined;
  readonly wrong: string | undefined;
  readonly say: (message: ToEpidemic) => void;
}

/** Begins anew whenever `config` or `life` is another one. */
export function useEpidemic(config: EpidemicConfig, life: number): PlayedEpidemic {
  const worker = useRef<Worker>(undefined);
  const [frame, setFrame] = useState<EpidemicFrame>();
  const [ordered, setOrdered] = useState<{ readonly config: EpidemicConfig; readonly order: Uint32Array }>();
  const [wrong, setWrong] = useState<string>();
  const [curve, setCurve] = useState<readonly EpidemicCounts[]>([]);
  const say = useCallback((message: ToEpidemic) => {
    const buffers = message.type === "drawn" ? [message.states.buffer] : [];
    worker.current?.postMessage(message, buffers);
  }, []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another life is another run of the same.
  useEffect(() => {
    const made = new Worker(new URL("./epidemic-worker.ts", import.meta.url), { type: "module" });
    worker.current = made;
    setFrame(undefined);
    setWrong(undefined);
    setCurve([]);
    made.onmessage = ({ data }: MessageEvent<FromEpidemic>) => {
      if (data.type === "failed") setWrong(data.why);
      else if (data.type === "order") setOrdered({ config, order: data.order });
      else {
        setFrame(data);
        setCurve((before) => [...before, ...data.curve]);
      }
    };
    made.onerror = ({ message }) => setWrong(message || "the worker did not start");
    made.postMessage({ type: "start", config } satisfies ToEpidemic);
    return () => made.terminate();
  }, [config, life]);

  // A buffer goes back when the one after it is drawn: nobody reads it any more.
  const drawn = useRef<{ readonly frame: EpidemicFrame; readonly worker: Worker | undefined }>(undefined);
  useEffect(() => {
    const before = drawn.current;
    if (frame === undefined || before?.frame === frame) return;
    drawn.current = { frame, worker: worker.current };
    if (before !== undefined && before.worker === worker.current)
      say({ type: "drawn", states: before.frame.states });
  }, [frame, say]);

  const order = ordered?.config === config ? ordered.order : undefined;
  return { frame, curve, order, wrong, say };
}
