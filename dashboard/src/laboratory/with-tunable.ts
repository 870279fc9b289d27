import type { Tunables } from "./lab-address.ts";

/** What is as it usually is, is not there. */
export function withTunable(
  tunables: Tunables,
  section: string,
  name: string,
  value: number | string | boolean,
  usual: unknown,
): Tunables {
  const { [name]: _, ...others } = tunables[section] ?? {};
  const values = value === usual ? others : { ...others, [name]: value };
  const { [section]: __, ...rest } = tunables;
  return Object.keys(values).length === 0 ? rest : { ...rest, [section]: values };
}
