/** The scenarios that come with Grapevine: what happens to a network, and what must hold. */
import { Button, NumberInput } from "@mantine/core";
import { IconPlayerPlayFilled } from "@tabler/icons-react";
import { useState } from "react";
import type { ScenarioLab } from "./lab-address.ts";
import { labScenarios } from "./lab-run.ts";
import classes from "./laboratory.module.css";
import { ProfileField } from "./profile-field.tsx";
import { useStart } from "./use-start.ts";

export function ScenarioTab({ asked }: { readonly asked: ScenarioLab | undefined }) {
  const [seed, setSeed] = useState(asked?.seed ?? 1);
  const { start, wrong } = useStart();
  const [tunables, setTunables] = useState(asked?.tunables ?? {});
  return (
    <div>
      <div className={classes["actions"]}>
        <ProfileField tunables={tunables} onChange={setTunables} />
        <NumberInput
          size="xs"
          label="seed of chance"
          value={seed}
          min={0}
          onChange={(next) => setSeed(typeof next === "number" ? next : Number.NaN)}
        />
        {wrong !== undefined && (
          <p className={classes["wrong"]} role="alert">
            {wrong}
          </p>
        )}
      </div>
      <ul className={classes["rows"]} aria-label="Scenarios">
        {labScenarios.map(({ scenario: { name, description }, whyNot }) => (
          <li key={name} className={classes["row"]}>
            <div>
              <h2 className={classes["rowTitle"]}>{name}</h2>
              <p className={classes["rowText"]}>{description}</p>
              {whyNot !== undefined && <p className={classes["muted"]}>{whyNot}</p>}
            </div>
            {whyNot === undefined && (
              <Button
                size="compact-sm"
                variant="default"
                leftSection={<IconPlayerPlayFilled size={12} />}
                aria-label={`Run ${name}`}
                onClick={() => start({ kind: "scenario", name, seed, tunables })}
              >
                Run
              </Button>
            )}
          </li>
        ))}
      </ul>
    </div>
  );
}
