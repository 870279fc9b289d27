import type { ReactNode } from "react";
import classes from "./chart.module.css";

export interface FigureProps {
  readonly label: string;
  readonly value: ReactNode;
  readonly unit?: string;
  /** What it means, or what to compare it with. */
  readonly hint?: ReactNode;
}

/** One number with its name. */
export function Figure({ label, value, unit, hint }: FigureProps) {
  return (
    <dl className={classes["figure"]} style={{ margin: 0 }}>
      <dt className={classes["figureLabel"]}>{label}</dt>
      <dd className={classes["figureValue"]}>
        {value}
        {unit !== undefined && unit !== "" && <span className={classes["figureUnit"]}>{unit}</span>}
      </dd>
      {hint !== undefined && hint !== "" && (
        <dd className={classes["figureHint"]} style={{ margin: 0 }}>
          {hint}
        </dd>
      )}
    </dl>
  );
}
