import { Switch } from "@mantine/core";
import { useState } from "react";
import { Link } from "wouter";
import panel from "../../drawing/panel.module.css";
import table from "../../drawing/table.module.css";
import type { Names } from "./failures-table.tsx";
import classes from "./liveness.module.css";
import type { SeedLists } from "./liveness-figures.ts";

const maxShown = 200;

/** The peer lists of all seeds side by side: what differs, or everything. */
export function SeedListsTable({ lists, names }: { lists: SeedLists; names: Names }) {
  const [showsAll, setShowsAll] = useState(false);
  const { seeds, rows, agree, areSamples } = lists;
  const differing = rows.filter(({ why }) => why !== undefined);
  const shown = showsAll ? rows : differing;
  if (seeds.length === 0) return <p className={panel["note"]}>This network has no seeds.</p>;
  return (
    <>
      <div className={classes["bar"]}>
        <span>
          {areSamples
            ? "There are too many members for full views: each seed keeps a sample, which says nothing of others."
            : agree
              ? "✓ All living seeds list the same peers."
              : "✕ The seeds differ."}{" "}
          {differing.length > 0 &&
            `${differing.length} of ${rows.length} peers are listed differently from what is so.`}
        </span>
        <Switch
          size="xs"
          label={`All ${rows.length} peers`}
          checked={showsAll}
          onChange={(event) => setShowsAll(event.currentTarget.checked)}
        />
      </div>
      <section
        className={table["scroll"]}
        style={{ maxHeight: 320 }}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        tabIndex={0}
        aria-label="Lists of the seeds"
      >
        <table className={table["table"]}>
          <thead>
            <tr>
              <th>Peer</th>
              <th>State</th>
              {seeds.map(({ row, name, isAlive }) => (
                <th key={row}>
                  <Link href={`/network?node=${names.address(row)}`}>{name}</Link>
                  {isAlive ? "" : " ✕"}
                </th>
              ))}
              <th className={table["wide"]}>Difference</th>
            </tr>
          </thead>
          <tbody>
            <tr>
              <th scope="row">Listed</th>
              <td className={table["muted"]}>peers</td>
              {seeds.map(({ row, size }) => (
                <td key={row}>{size.toLocaleString("en")}</td>
              ))}
              <td />
            </tr>
            <tr>
              <th scope="row">Fingerprint</th>
              <td className={table["muted"]}>of the list</td>
              {seeds.map(({ row, fingerprint }) => (
                <td key={row}>
                  <code>{fingerprint}</code>
                </td>
              ))}
              <td />
            </tr>
            {shown.slice(0, maxShown).map(({ row, name, state, listed, why }) => (
              <tr key={row}>
                <th scope="row">
                  <Link href={`/network?node=${names.address(row)}`}>{name}</Link>
                </th>
                <td className={table["muted"]}>{state}</td>
                {listed.map((isListed, i) => (
                  <td key={seeds[i]!.row}>{isListed ? "● listed" : "○ –"}</td>
                ))}
                <td className={table["wide"]}>{why ?? ""}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      {shown.length > maxShown && (
        <p className={panel["note"]}>
          The first {maxShown} of {shown.length} peers.
        </p>
      )}
    </>
  );
}
