/** A field for an option, made from the table that says what it may be. */
import { NativeSelect, NumberInput, Switch, TextInput, Tooltip } from "@mantine/core";
import { fieldName } from "./field-name.ts";
import type { Spec } from "./lab-address.ts";
import classes from "./laboratory.module.css";

type Value = number | string | boolean;

export interface SpecFieldProps {
  readonly name: string;
  readonly spec: Spec;
  readonly value: Value;
  readonly onChange: (value: Value) => void;
  /** Shown in the place of its name. */
  readonly label?: string;
}

export function SpecField({ name, spec, value, onChange, label = fieldName(name) }: SpecFieldProps) {
  const about = { size: "xs", "aria-description": spec.description } as const;
  return (
    <Tooltip label={spec.description} multiline maw={320} openDelay={500} position="bottom-start">
      <div className={classes["field"]}>
        {typeof spec.default === "boolean" ? (
          <Switch
            {...about}
            mt={22}
            label={label}
            checked={value === true}
            onChange={(event) => onChange(event.currentTarget.checked)}
          />
        ) : spec.choices !== undefined ? (
          <NativeSelect
            {...about}
            label={label}
            data={spec.choices.map(String)}
            value={String(value)}
            onChange={(event) => onChange(event.currentTarget.value)}
          />
        ) : typeof spec.default === "number" ? (
          <NumberInput
            {...about}
            label={label}
            value={value as number}
            // What is no number is refused with the reason when it is used.
            onChange={(next) => onChange(typeof next === "number" ? next : Number.NaN)}
            {...(spec.min === undefined ? {} : { min: spec.min })}
            {...(spec.max === undefined ? {} : { max: spec.max })}
            step={spec.isFraction ? 0.05 : 1}
            allowDecimal={spec.isFraction === true}
            thousandSeparator=","
          />
        ) : (
          <TextInput
            {...about}
            label={label}
            value={String(value)}
            onChange={(event) => onChange(event.currentTarget.value)}
          />
        )}
      </div>
    </Tooltip>
  );
}
