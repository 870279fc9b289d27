/** All that is known about one node, and what can be done to it. */
import { ActionIcon, Badge } from "@mantine/core";
import { IconX } from "@tabler/icons-react";
import { type ReactNode, useEffect, useState } from "react";
import { Link, useLocation } from "wouter";
import type { NetworkPicture, PicturedNode } from "../../../../src/trace/picture.ts";
import { NodeHands } from "../../app/hands.tsx";
import { sinceText } from "../../app/time-text.ts";
import { compare } from "../../drawing/layout.ts";
import { profileIn } from "../../sources/trace-about.ts";
import { useLiveTimeline } from "../../timeline/use-timeline.ts";
import { isSuspected, isThere, stateText } from "./appearance.ts";
import { evidenceSentences } from "./evidence.ts";
import { EvidenceList, Note } from "./evidence-list.tsx";
import classes from "./network.module.css";
import { NodeWhy } from "./node-why.tsx";
import { type Answer, useAsked } from "./use-asked.ts";

export interface NodePanelProps {
  readonly node: PicturedNode;
  readonly select: (node: PicturedNode | undefined) => void;
}

/** Longer lists say how much more there is. */
const maxListed = 200;
const maxCounters = 400;

export function NodePanel({ node, select }: NodePanelProps) {
  const timeline = useLiveTimeline(4);
  const { picture, startedAt, source, hello } = timeline;
  const isModern = profileIn(hello?.about.options) === "modern";
  const answer = useAsked(source, `${node.row}`, node.state, () => source.details(node.id));
  const since = (at: number) => sinceText(at - startedAt);
  const nameOf = (id: string | number) => picture.find(id)?.name ?? String(id);
  const evidence = evidenceSentences(node.evidence, nameOf);
  const rtts = new Map(
    answer.type === "known" ? answer.value.neighbors.map(({ peer, rttMs }) => [nameOf(peer), rttMs]) : [],
  );
  const introducers = isModern ? listedBy(picture, node) : [...node.registeredWith];
  const details = answer.type === "known" ? answer.value : undefined;
  const members = details?.members.map((id) => picture.find(id)?.row).filter((row) => row !== undefined);
  return (
    <aside className={classes["panel"]} aria-label={`Node ${node.name}`}>
      <header className={classes["panelHead"]}>
        <h2>{node.name}</h2>
        <Badge variant="default" size="sm" tt="none">
          {node.role}
        </Badge>
        <ActionIcon
          variant="subtle"
          color="gray"
          size={26}
          ml="auto"
          aria-label="Close the panel"
          onClick={() => select(undefined)}
        >
          <IconX size={16} />
        </ActionIcon>
      </header>
      <div className={classes["panelHands"]}>
        <NodeHands node={node} />
      </div>
      <div className={classes["panelBody"]}>
        <dl className={classes["facts"]}>
          <Fact name="State">{stateText(node)}</Fact>
          <Fact name={node.until === undefined ? "Since" : "From"}>{since(node.since)}</Fact>
          {node.until !== undefined && <Fact name="Until">{since(node.until)}</Fact>}
          <Fact name="Address">
            <span className={classes["address"]}>{String(node.id)}</span>
          </Fact>
          <Fact name="Messages">
            {node.published} published, {node.delivered} delivered
          </Fact>
          <Fact name="Copies sent">{node.copiesSent}</Fact>
        </dl>
        <Section title="Why suspected" count={evidence.length} isOpen={evidence.length > 0}>
          {evidence.length === 0 ? (
            <Note>Nobody has said anything against it.</Note>
          ) : (
            <EvidenceList sentences={evidence} since={since} />
          )}
        </Section>
        <WhySection key={node.row} node={node} />
        <Section title="Neighbors" count={node.neighbors.size} isOpen>
          <Rows rows={[...node.neighbors]} picture={picture} rtts={rtts} none="It holds no links." />
        </Section>
        {node.role === "seed" ? (
          <Section title="Peer list" count={node.list.size}>
            <Rows rows={[...node.list]} picture={picture} none="Its list is empty." />
          </Section>
        ) : (
          <>
            <Section
              title={isModern ? "In the lists of" : "Registered with"}
              count={introducers.length}
              isOpen
            >
              <Rows
                rows={introducers}
                picture={picture}
                none={
                  isModern
                    ? "No seed takes it for alive, as far as the trace says."
                    : "No seed has it on disk, as far as the trace says."
                }
              />
            </Section>
            <Section title="Knows" count={members?.length}>
              {members === undefined ? (
                <Missing answer={answer} />
              ) : (
                <Rows rows={members} picture={picture} none="It knows nobody." />
              )}
            </Section>
          </>
        )}
        <Section title="Messages kept" count={details?.messages.length}>
          {details === undefined ? (
            <Missing answer={answer} />
          ) : (
            <ul className={classes["messages"]}>
              {details.messages.slice(0, maxListed).map(({ key, at, text }) => (
                <li key={key}>
                  <time>{since(at)}</time>{" "}
                  <Link href={`/network/${encodeURIComponent(key)}?node=${encodeURIComponent(node.name)}`}>
                    {text ?? key}
                  </Link>
                </li>
              ))}
              {details.messages.length === 0 && <Note>It keeps none.</Note>}
            </ul>
          )}
        </Section>
        <Section title="Timers" count={details?.timers.length}>
          {details === undefined ? (
            <Missing answer={answer} />
          ) : details.timers.length === 0 ? (
            <Note>It waits for nothing that it tells.</Note>
          ) : (
            <table className={classes["figures"]}>
              <tbody>
                {details.timers.slice(0, maxListed).map(({ name, inMs }, i) => (
                  // biome-ignore lint/suspicious/noArrayIndexKey: several timers have one name.
                  <tr key={i}>
                    <th scope="row">{name}</th>
                    <td>in {(inMs / 1000).toFixed(2)} s</td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
        </Section>
        <Section title="Counters" count={details && Object.keys(details.counters).length}>
          {details === undefined ? (
            <Missing answer={answer} />
          ) : (
            <table className={classes["figures"]}>
              <tbody>
                {Object.entries(details.counters)
                  .slice(0, maxCounters)
                  .map(([name, value]) => (
                    <tr key={name}>
                      <th scope="row">{name}</th>
                      <td>{value.toLocaleString("en")}</td>
                    </tr>
                  ))}
              </tbody>
            </table>
          )}
        </Section>
        <Section title="Log" count={details?.log?.length}>
          {details === undefined ? (
            <Missing answer={answer} />
          ) : details.log === undefined ? (
            <Note>This node writes no log.</Note>
          ) : (
            // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keyboard.
            <pre className={classes["log"]} tabIndex={0}>
              {details.log.join("\n")}
            </pre>
          )}
        </Section>
      </div>
    </aside>
  );
}

/** Rows of the seeds that have it in their lists. */
function listedBy({ nodes }: NetworkPicture, { row }: PicturedNode): number[] {
  return [...nodes.values()].filter(({ list }) => list.has(row)).map((seed) => seed.row);
}

/** Asks only while it is open, which it is as soon as somebody doubts. */
function WhySection({ node }: { readonly node: PicturedNode }) {
  const isDoubted = isSuspected(node) || !isThere(node);
  const [isOpen, setOpen] = useState(isDoubted);
  useEffect(() => setOpen(isDoubted), [isDoubted]);
  return (
    <details
      className={classes["section"]}
      open={isOpen}
      onToggle={(event) => setOpen(event.currentTarget.open)}
    >
      <summary>Why? Ask another node</summary>
      {isOpen && <NodeWhy node={node} />}
    </details>
  );
}

function Fact(props: { readonly name: string; readonly children: ReactNode }) {
  return (
    <div>
      <dt>{props.name}</dt>
      <dd>{props.children}</dd>
    </div>
  );
}

function Section(props: {
  readonly title: string;
  readonly count: number | undefined;
  readonly isOpen?: boolean;
  readonly children: ReactNode;
}) {
  return (
    <details className={classes["section"]} open={props.isOpen}>
      <summary>
        {props.title}
        {props.count !== undefined && <span className={classes["count"]}>{props.count}</span>}
      </summary>
      {props.children}
    </details>
  );
}

function Missing({ answer }: { readonly answer: Answer<unknown> }) {
  return <Note>{answer.type === "unknown" ? answer.why : "Asking the node …"}</Note>;
}

function Rows(props: {
  readonly rows: readonly number[];
  readonly picture: NetworkPicture;
  readonly rtts?: ReadonlyMap<string, number | null>;
  readonly none: string;
}) {
  const { rows, picture, rtts, none } = props;
  const [location] = useLocation();
  if (rows.length === 0) return <Note>{none}</Note>;
  const nodes = rows
    .map((row) => picture.nodes.get(row))
    .filter((node) => node !== undefined)
    .sort((a, b) => compare(a.name, b.name));
  return (
    <ul className={classes["nodes"]}>
      {nodes.slice(0, maxListed).map(({ row, name, state }) => {
        const rttMs = rtts?.get(name);
        return (
          <li key={row} data-state={state}>
            <Link href={`${location}?node=${encodeURIComponent(name)}`}>{name}</Link>
            {typeof rttMs === "number" && <span>{rttMs.toFixed(1)} ms</span>}
          </li>
        );
      })}
      {nodes.length > maxListed && <li>and {nodes.length - maxListed} more</li>}
    </ul>
  );
}
