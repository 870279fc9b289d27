/** Every tunable of the nodes, by section; all closed, since the defaults are meant to do. */

import { type Tunables, tunableSpecs } from "./lab-address.ts";
import classes from "./laboratory.module.css";
import { SpecField } from "./spec-field.tsx";
import { withTunable } from "./with-tunable.ts";

type Value = number | string | boolean;

interface TunablesFormProps {
  readonly tunables: Tunables;
  /** What they are together with what follows from them: the ping interval sets the pace of others. */
  readonly holding: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** What they would be if nobody had changed any. */
  readonly usual: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly onChange: (tunables: Tunables) => void;
}

export function TunablesForm({ tunables, holding, usual, onChange }: TunablesFormProps) {
  return (
    <div>
      {Object.entries(tunableSpecs).map(([section, specs]) => {
        const changed = Object.keys(tunables[section] ?? {}).length;
        return (
          <details key={section} className={classes["section"]}>
            <summary>
              {section}{" "}
              <span className={classes["muted"]}>
                {Object.keys(specs).length} options{changed > 0 && `, ${changed} changed`}
              </span>
            </summary>
            <div className={classes["fields"]}>
              {Object.entries(specs).map(([name, spec]) => (
                <SpecField
                  key={name}
                  name={name}
                  spec={spec}
                  value={(holding[section]?.[name] ?? spec.default) as Value}
                  onChange={(value) =>
                    onChange(withTunable(tunables, section, name, value, usual[section]?.[name]))
                  }
                />
              ))}
            </div>
          </details>
        );
      })}
    </div>
  );
}
