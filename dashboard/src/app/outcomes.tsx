/** What became of something that the user asked for: a line in the corner, for a while, and read aloud. */
import { Notification } from "@mantine/core";
import { IconAlertTriangle, IconCheck } from "@tabler/icons-react";
import { createContext, type ReactNode, useCallback, useContext, useMemo, useState } from "react";
import classes from "./outcomes.module.css";

interface Outcome {
  readonly id: number;
  readonly text: string;
  readonly isFailure: boolean;
}

export interface Outcomes {
  tell(text: string): void;
  fail(text: string): void;
}

const shownMs = 5000;
/** Whoever is told that something went wrong may want to read it twice. */
const failureShownMs = 15_000;
const maxShown = 4;

const OutcomesContext = createContext<Outcomes>({ tell() {}, fail() {} });
export const useOutcomes = () => useContext(OutcomesContext);

let lastId = 0;

export function OutcomesProvider({ children }: { readonly children: ReactNode }) {
  const [shown, setShown] = useState<readonly Outcome[]>([]);
  const remove = useCallback((id: number) => setShown((all) => all.filter((one) => one.id !== id)), []);
  const outcomes = useMemo<Outcomes>(() => {
    const add = (text: string, isFailure: boolean) => {
      const id = ++lastId;
      setShown((all) => [...all.slice(1 - maxShown), { id, text, isFailure }]);
      setTimeout(() => remove(id), isFailure ? failureShownMs : shownMs);
    };
    return { tell: (text) => add(text, false), fail: (text) => add(text, true) };
  }, [remove]);
  return (
    <OutcomesContext value={outcomes}>
      {children}
      <div className={classes["corner"]} role="status" aria-live="polite">
        {shown.map(({ id, text, isFailure }) => (
          <Notification
            key={id}
            withBorder
            color={isFailure ? "red" : "teal"}
            icon={isFailure ? <IconAlertTriangle size={16} /> : <IconCheck size={16} />}
            closeButtonProps={{ "aria-label": "Close" }}
            onClose={() => remove(id)}
          >
            {text}
          </Notification>
        ))}
      </div>
    </OutcomesContext>
  );
}
