/** Every tunable of the nodes, by section; all closed, since the defaults are meant to do. */

import { type Tunables, tunableSpecs } from "./lab-address.ts";
import classes from "./laboratory.module.css";
import { SpecField } from "./spec-field.tsx";

interface TunablesFormProps {
  readonly tunables: Tunables;
  readonly onChange: (tunables: Tunables) => void;
}

export function TunablesForm({ tunables, onChange }: TunablesFormProps) {
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
                  value={tunables[section]?.[name] ?? spec.default}
                  onChange={(value) => onChange(withTunable(tunables, section, name, value, spec.default))}
                />
              ))}
            </div>
          </details>
        );
      })}
    </div>
  );
}

type Value = number | string | boolean;

/** What is at its default is not there. */
export function withTunable(
  tunables: Tunables,
  section: string,
  name: string,
  value: Value,
  usual: Value,
): Tunables {
  const { [name]: _, ...others } = tunables[section] ?? {};
  const values = value === usual ? others : { ...others, [name]: value };
  const { [section]: __, ...rest } = tunables;
  return Object.keys(values).length === 0 ? rest : { ...rest, [section]: values };
}
