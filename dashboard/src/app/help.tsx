import { Kbd, Modal, Table } from "@mantine/core";
import classes from "./help.module.css";
import type { Shortcut } from "./shortcuts.ts";
import { views } from "./views.tsx";

interface HelpProps {
  readonly isOpen: boolean;
  readonly close: () => void;
  readonly shortcuts: readonly Shortcut[];
}

export function Help({ isOpen, close, shortcuts }: HelpProps) {
  const ofTime = shortcuts.slice(views.length);
  return (
    // Locking the scroll would write a style element, which the page's policy forbids.
    <Modal
      opened={isOpen}
      onClose={close}
      title="What you see, and how to walk through it"
      size="lg"
      lockScroll={false}
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <div className={classes["columns"]}>
        <Table verticalSpacing={4} aria-label="Views">
          <Table.Tbody>
            {views.map(({ path, name, about }, i) => (
              <Table.Tr key={path}>
                <Table.Td>
                  <Kbd>{i + 1}</Kbd>
                </Table.Td>
                <Table.Td>
                  <strong>{name}</strong>
                  <br />
                  {about}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
        <Table verticalSpacing={4} aria-label="Keys">
          <Table.Tbody>
            {ofTime.map(({ label, what }) => (
              <Table.Tr key={label}>
                <Table.Td className={classes["key"]}>
                  <Kbd>{label}</Kbd>
                </Table.Td>
                <Table.Td>{what}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </div>
      <p className={classes["text"]}>
        Every view shows the network at the moment of the time bar. Publish a message with the button above,
        click a node of the Network view to see what it knows, to kill it or to let it hang, and drag the time
        bar to see again what happened.
      </p>
    </Modal>
  );
}
