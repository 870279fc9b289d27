/** What the simulation that is shown has come to: what happened, what was expected, and whether it held. */

import { formatNumber, formatTime } from "../drawing/quantities.ts";
import { useLiveTimeline } from "../timeline/use-timeline.ts";
import classes from "./laboratory.module.css";
import { deliveredShare, verdictText } from "./run-figures.ts";
import { SimulatedSource } from "./simulated-source.ts";

const shownLines = 200;

export function RunPanel() {
  const timeline = useLiveTimeline(4);
  const { source, state, totals } = timeline;
  if (!(source instanceof SimulatedSource))
    return <p className={classes["muted"]}>No simulation yet. Start one here, and its verdict appears.</p>;
  const { report, lines } = source;
  const share = deliveredShare(timeline.latest, timeline.messages.messages);
  const last = totals.at(-1);
  return (
    <div aria-live="polite">
      <h2 className={classes["heading"]}>{source.label}</h2>
      {state.type === "ended" ? (
        <p className={`${classes["verdict"]} ${classes["bad"]}`}>Not started: {state.why}</p>
      ) : report === undefined ? (
        <p className={classes["verdict"]}>Runs, {formatTime(timeline.head)} of virtual time so far</p>
      ) : (
        <p className={`${classes["verdict"]} ${classes[report.ok ? "good" : "bad"]}`}>
          {verdictText(report)}
        </p>
      )}
      {share !== undefined && (
        <p className={classes["rowText"]}>
          {share.published} {share.published === 1 ? "message" : "messages"} followed,{" "}
          <strong>{share.percent} delivered</strong>
          {last?.simulator !== undefined &&
            `, ${formatNumber(last.simulator.eventsPerSecond)} simulated events/s`}
        </p>
      )}
      {report !== undefined && (
        <>
          <h3 className={classes["heading"]}>Checks</h3>
          <ul className={classes["rows"]}>
            {report.checks.map(({ claim, ok, detail }, i) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: the list never changes, and claims may repeat.
              <li key={i} className={classes["check"]}>
                <span
                  role="img"
                  aria-label={ok ? "holds:" : "failed:"}
                  className={`${classes["mark"]} ${classes[ok ? "good" : "bad"]}`}
                >
                  {ok ? "✓" : "✗"}
                </span>
                <span>
                  {claim}
                  {detail !== undefined && <span className={classes["muted"]}> {detail}</span>}
                </span>
              </li>
            ))}
            {report.violations.map(({ invariant, at, detail }, i) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: the list never changes.
              <li key={`broken-${i}`} className={classes["check"]}>
                <span role="img" aria-label="broken:" className={`${classes["mark"]} ${classes["bad"]}`}>
                  ✗
                </span>
                <span>
                  {invariant}, {formatTime(at)}: <span className={classes["muted"]}>{detail}</span>
                </span>
              </li>
            ))}
          </ul>
        </>
      )}
      <h3 className={classes["heading"]}>What happened</h3>
      {lines.length === 0 ? (
        <p className={classes["muted"]}>The network forms.</p>
      ) : (
        <dl className={classes["lines"]}>
          {lines.slice(-shownLines).map(({ at, text }, i) => [
            // biome-ignore lint/suspicious/noArrayIndexKey: lines are only added at the end.
            <dt key={`at-${i}`}>{formatTime(at)}</dt>,
            // biome-ignore lint/suspicious/noArrayIndexKey: lines are only added at the end.
            <dd key={`text-${i}`}>{text}</dd>,
          ])}
        </dl>
      )}
    </div>
  );
}
