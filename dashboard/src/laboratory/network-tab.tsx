/** A network of one's own: how large, over which links, with which tunables. */
import { Button, NativeSelect } from "@mantine/core";
import { IconPlayerPlayFilled } from "@tabler/icons-react";
import { useState } from "react";
import { fieldName } from "./field-name.ts";
import {
  type LatencyModel,
  labOf,
  latencyModels,
  latencyWith,
  type NetworkLab,
  networkSpecs,
} from "./lab-address.ts";
import { onlyProfile } from "./lab-profile.ts";
import { usualTunables } from "./lab-run.ts";
import classes from "./laboratory.module.css";
import { ProfileField } from "./profile-field.tsx";
import { SpecField } from "./spec-field.tsx";
import { TunablesForm } from "./tunables-form.tsx";
import { useStart } from "./use-start.ts";

const ofNetwork = ["peers", "seeds", "joinEveryMs", "messages", "everyMs", "seed"] as const;
const ofLinks = ["links", "loss"] as const;
const labels: Partial<Record<keyof typeof networkSpecs, string>> = {
  everyMs: "a message every (ms)",
  joinEveryMs: "a peer joins every (ms)",
  seed: "seed of chance",
  links: "links are",
};

export function NetworkTab({ asked }: { readonly asked: NetworkLab | undefined }) {
  const [lab, setLab] = useState<NetworkLab>(() => asked ?? (labOf("?lab=network") as NetworkLab));
  const { start, wrong } = useStart();
  const field = (name: keyof typeof networkSpecs) => (
    <SpecField
      key={name}
      name={name}
      label={labels[name] ?? fieldName(name)}
      spec={networkSpecs[name]}
      value={lab[name]}
      onChange={(value) => setLab({ ...lab, [name]: value })}
    />
  );
  const latency = lab.latency as unknown as Readonly<Record<string, number>>;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        start(lab);
      }}
    >
      <fieldset className={classes["group"]}>
        <legend className={classes["legend"]}>Network</legend>
        <div className={classes["fields"]}>
          <ProfileField tunables={lab.tunables} onChange={(tunables) => setLab({ ...lab, tunables })} />
          {ofNetwork.map(field)}
        </div>
      </fieldset>
      <fieldset className={classes["group"]}>
        <legend className={classes["legend"]}>Links</legend>
        <div className={classes["fields"]}>
          {ofLinks.map(field)}
          <NativeSelect
            size="xs"
            label="latency"
            data={Object.keys(latencyModels)}
            value={lab.latency.model}
            onChange={(event) =>
              setLab({ ...lab, latency: latencyWith(event.currentTarget.value as LatencyModel) })
            }
          />
          {Object.entries(latencyModels[lab.latency.model as LatencyModel]).map(([name, usual]) => (
            <SpecField
              key={name}
              name={name}
              label={name === "sigma" ? name : fieldName(name).replace(/^\(ms\)$/, "time (ms)")}
              spec={{
                default: usual as number,
                min: 0,
                max: 600_000,
                isFraction: name === "sigma",
                description: "Of the latency, one way",
              }}
              value={latency[name]!}
              onChange={(value) =>
                setLab({ ...lab, latency: { ...lab.latency, [name]: value } as NetworkLab["latency"] })
              }
            />
          ))}
        </div>
      </fieldset>
      <div className={classes["actions"]}>
        <Button type="submit" leftSection={<IconPlayerPlayFilled size={14} />}>
          Start the network
        </Button>
        <p className={classes["muted"]}>It runs in this page. Its address starts it again.</p>
        {wrong !== undefined && (
          <p className={classes["wrong"]} role="alert">
            {wrong}
          </p>
        )}
      </div>
      <h2 className={classes["heading"]}>Tunables of every node</h2>
      <TunablesForm
        tunables={lab.tunables}
        holding={usualTunables(lab)}
        usual={usualTunables({ ...lab, tunables: onlyProfile(lab.tunables) })}
        onChange={(tunables) => setLab({ ...lab, tunables })}
      />
    </form>
  );
}
