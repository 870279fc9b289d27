/** What the page offers where no server has handed it out together with a network. */
import { Button, Code, FileButton, Text, Title } from "@mantine/core";
import { IconBroadcast, IconFlask, IconMovie } from "@tabler/icons-react";
import { type DragEvent, type ReactNode, useState } from "react";
import { Link } from "wouter";
import { RecordedSource, traceFile } from "../sources/recorded-source.ts";
import classes from "./chooser.module.css";
import { usePage } from "./page.ts";
import { views } from "./views.tsx";

export function Chooser() {
  const { open } = usePage();
  const [isOver, setOver] = useState(false);
  const openFile = (file: File | null | undefined) => {
    if (file) open(new RecordedSource(traceFile(file)));
  };
  const onDrop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    openFile(event.dataTransfer.files[0]);
  };
  const onDragOver = (event: DragEvent) => {
    event.preventDefault();
    setOver(true);
  };
  const laboratory = views.find(({ isAlone }) => isAlone === true);
  return (
    <section
      className={classes["chooser"]}
      data-over={isOver || undefined}
      aria-label="Choose a network"
      onDrop={onDrop}
      onDragOver={onDragOver}
      onDragLeave={() => setOver(false)}
    >
      <Title order={2} size="h3">
        Which network do you want to see?
      </Title>
      <div className={classes["cards"]}>
        <Card icon={<IconMovie size={24} />} title="A recorded run">
          <Text size="sm" c="dimmed">
            Drop a trace here, or choose its file. It stays on this machine.
          </Text>
          <FileButton onChange={openFile} accept=".ndjson,.json,.jsonl,.trace,.log">
            {(props) => (
              <Button {...props} size="sm">
                Open a trace file
              </Button>
            )}
          </FileButton>
        </Card>
        {laboratory !== undefined && (
          <Card icon={<IconFlask size={24} />} title={laboratory.name}>
            <Text size="sm" c="dimmed">
              {laboratory.about}. It needs no server.
            </Text>
            <Button component={Link} href={laboratory.path} size="sm" variant="default">
              Open the laboratory
            </Button>
          </Card>
        )}
        <Card icon={<IconBroadcast size={24} />} title="A live network">
          <Text size="sm" c="dimmed">
            Start one, and open the address that it prints:
          </Text>
          <Code block>grapevine up</Code>
        </Card>
      </div>
    </section>
  );
}

function Card(props: { readonly icon: ReactNode; readonly title: string; readonly children: ReactNode }) {
  return (
    <div className={classes["card"]}>
      {props.icon}
      <Title order={3} size="h5">
        {props.title}
      </Title>
      {props.children}
    </div>
  );
}
