import { useState } from "react";
import { Link } from "wouter";
import type { NetworkPicture } from "../../../../src/trace/picture.ts";
import { palette } from "../../drawing/palette.ts";
import panel from "../../drawing/panel.module.css";
import { formatNumber } from "../../drawing/quantities.ts";
import table from "../../drawing/table.module.css";
import classes from "./traffic.module.css";
import { type TalkerColumn, talkerColumns, talkersBy } from "./traffic-series.ts";

const titles: Readonly<Record<TalkerColumn, string>> = {
  name: "Peer",
  links: "Links",
  copiesSent: "Copies sent",
  published: "Published",
  delivered: "Delivered",
};

const maxShown = 50;

/** What each peer has sent and got, those who talk most first. */
export function TalkersTable({ picture }: { picture: NetworkPicture }) {
  const [{ column, isReversed }, setOrder] = useState<{ column: TalkerColumn; isReversed: boolean }>({
    column: "copiesSent",
    isReversed: false,
  });
  const peers = talkersBy(picture, column, isReversed);
  const most = Math.max(1, ...peers.slice(0, maxShown).map(({ copiesSent }) => copiesSent));
  const total = peers.reduce((sum, { copiesSent }) => sum + copiesSent, 0);
  const sortBy = (next: TalkerColumn) =>
    setOrder({ column: next, isReversed: next === column && !isReversed });
  const direction = isReversed !== (column === "name") ? "ascending" : "descending";
  return (
    <>
      <div className={table["scroll"]}>
        <table className={table["table"]}>
          <thead>
            <tr>
              {talkerColumns.map((name) => (
                <th
                  key={name}
                  className={name === "name" ? "" : table["number"]}
                  aria-sort={name === column ? direction : "none"}
                >
                  <button
                    type="button"
                    className={table["sort"]}
                    aria-pressed={name === column}
                    onClick={() => sortBy(name)}
                  >
                    {titles[name]}
                    {name === column ? (direction === "ascending" ? " ▲" : " ▼") : ""}
                  </button>
                </th>
              ))}
              <th className={table["wide"]}>Share of all copies</th>
            </tr>
          </thead>
          <tbody>
            {peers.slice(0, maxShown).map((peer) => (
              <tr key={peer.row}>
                <th scope="row">
                  <Link href={`/network?node=${encodeURIComponent(peer.name)}`}>{peer.name}</Link>
                  {peer.state === "alive" ? "" : <span className={table["muted"]}> {peer.state}</span>}
                </th>
                <td className={table["number"]}>{peer.neighbors.size}</td>
                <td className={table["number"]}>{formatNumber(peer.copiesSent)}</td>
                <td className={table["number"]}>{formatNumber(peer.published)}</td>
                <td className={table["number"]}>{formatNumber(peer.delivered)}</td>
                <td className={table["wide"]}>
                  <span
                    className={classes["meter"]}
                    style={{ width: `${(peer.copiesSent / most) * 60}%`, background: palette.paused }}
                  />{" "}
                  {total === 0 ? "" : `${formatNumber((100 * peer.copiesSent) / total)} %`}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {peers.length > maxShown && (
        <p className={panel["note"]}>
          The first {maxShown} of {peers.length.toLocaleString("en")} peers in this order.
        </p>
      )}
    </>
  );
}
