import { Button, CloseButton } from "@mantine/core";
import { Link } from "wouter";
import type { TraceEvent } from "../../../../src/core/index.ts";
import { messageKey } from "../../../../src/trace/message-book.ts";
import { isId, nodeFields, typeOf } from "./event-filter.ts";
import type { NameOf } from "./event-text.ts";
import classes from "./events.module.css";

export interface EventDetailsProps {
  readonly event: TraceEvent;
  readonly nameOf: NameOf;
  /** The message is still kept, so that its spread can be shown. */
  readonly hasMessage: (key: string) => boolean;
  readonly onSeek: () => void;
  readonly onOnly: (filter: { types?: readonly string[]; node?: string }) => void;
  readonly onClose: () => void;
}

/** One event, as JSON in which nodes and messages can be followed. */
export function EventDetails({ event, nameOf, hasMessage, onSeek, onOnly, onClose }: EventDetailsProps) {
  const key = messageKey(event);
  const name = event.node === "" ? undefined : (nameOf(event.node) ?? String(event.node));
  return (
    <section className={classes["details"]} aria-label="The chosen event">
      <div className={classes["detailsHead"]}>
        <h2 className={classes["detailsTitle"]}>{event.type}</h2>
        <CloseButton size="sm" aria-label="Close" onClick={onClose} />
      </div>
      <div className={classes["actions"]}>
        <Button size="compact-xs" onClick={onSeek}>
          Go to this moment
        </Button>
        <Button size="compact-xs" variant="default" onClick={() => onOnly({ types: [typeOf(event)] })}>
          Only this type
        </Button>
        {name !== undefined && (
          <Button size="compact-xs" variant="default" onClick={() => onOnly({ node: name })}>
            Only this node
          </Button>
        )}
      </div>
      {key !== undefined && hasMessage(key) && (
        <p className={classes["note"]}>
          <Link href={`/spread/${encodeURIComponent(key)}`}>How this message spread</Link>
        </p>
      )}
      <pre className={classes["json"]}>
        {"{\n"}
        {Object.entries(event).map(([field, value], i, all) => (
          <span key={field}>
            {`  ${JSON.stringify(field)}: `}
            <Value field={field} value={value} nameOf={nameOf} />
            {i < all.length - 1 ? ",\n" : "\n"}
          </span>
        ))}
        {"}"}
      </pre>
    </section>
  );
}

const mostOfList = 100;

function Value({ field, value, nameOf }: { field: string; value: unknown; nameOf: NameOf }) {
  if (Array.isArray(value))
    return (
      <>
        {"["}
        {value.slice(0, mostOfList).map((one, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a list in an event never changes
          <span key={i}>
            {i > 0 ? ", " : ""}
            <Value field={field} value={one} nameOf={nameOf} />
          </span>
        ))}
        {value.length > mostOfList ? ` … ${value.length - mostOfList} more` : ""}
        {"]"}
      </>
    );
  const isNode = (field === "node" || nodeFields.has(field)) && isId(value) && value !== "";
  if (!isNode) return <>{JSON.stringify(value, null, 2)?.replaceAll("\n", "\n  ")}</>;
  const name = nameOf(value);
  return (
    <>
      <Link href={`/network?node=${encodeURIComponent(name ?? String(value))}`}>{JSON.stringify(value)}</Link>
      {name !== undefined && name !== String(value) ? <span className={classes["dim"]}> {name}</span> : null}
    </>
  );
}
