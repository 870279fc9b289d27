/**
 * Every tunable of the nodes, by section; all closed, since the defaults are meant to do. What the chosen profile does not
 * have is shown only where somebody has set it, and says that it does nothing.
 */
import { type Tunables, tunableSpecs } from "./lab-address.ts";
import { foreignTo, profileOfLab } from "./lab-profile.ts";
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
        const owner = foreignTo(section, profileOfLab(tunables));
        // Which profile it is, is chosen where the network is described.
        if (section === "stack" || (owner !== undefined && changed === 0)) return null;
        return (
          <details key={section} className={classes["section"]}>
            <summary>
              {section}{" "}
              <span className={classes["muted"]}>
                {Object.keys(specs).length} options{changed > 0 && `, ${changed} changed`}
                {owner !== undefined && `; of the ${owner} profile: without effect here`}
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
