import protobuf from "protobufjs";
import type { NodeId } from "../core/index.ts";
import { type ContactFields, ContactTable, contactFields, contactOf } from "./contact-table.ts";
import { MalformedFrame } from "./malformed-frame.ts";
import { schema } from "./schema.ts";

const root = protobuf.parse(schema).root.resolveAll();

/** The message of that name in the schema, with protobufjs' generated encoder and decoder. */
export function schemaType(name: string): protobuf.Type {
  return root.lookupType(`grapevine.${name}`);
}

/** The numbers of an enumeration of the schema, by name. */
export function schemaEnum(name: string): Readonly<Record<string, number>> {
  return root.lookupEnum(`grapevine.${name}`).values;
}

// In memory a contact is a string and not a message of its own. Where a message has a contact, protobufjs calls
// the `encode` and `decode` of its type, and there we put ours, which know most contacts by their bytes. One table
// serves all nodes of the process.
const contacts = new ContactTable();
const contactType = schemaType("Contact").setup();
const { encode: encodeFields, decode: decodeFields } = contactType;

function encodeContact(contact: NodeId): Uint8Array {
  return new Uint8Array(encodeFields(contactFields(contact)).finish());
}

contactType.encode = (contact: unknown, writer = protobuf.Writer.create()) =>
  writer.raw(contacts.bytesOf(contact as NodeId, encodeContact));

contactType.decode = (reader: protobuf.Reader | Uint8Array, length?: number) => {
  if (reader instanceof Uint8Array || length === undefined)
    throw new TypeError("a contact is a part of a message");
  const { buf, pos: start } = reader;
  const end = start + length;
  if (end > reader.len) throw new MalformedFrame("bad-encoding", "cut off");
  let contact = contacts.find(buf, start, end);
  if (contact === undefined) {
    contact = contactOf(decodeFields(reader, length) as unknown as ContactFields);
    contacts.remember(buf, start, end, contact);
  }
  reader.pos = end;
  return contact as never;
};
