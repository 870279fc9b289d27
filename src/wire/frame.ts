import protobuf from "protobufjs";
import { UsageError } from "../core/index.ts";
import type { Kind } from "./kinds.ts";
import { MalformedFrame } from "./malformed-frame.ts";
import { StrictReader } from "./strict-reader.ts";

/** Before the kind byte: the length of all that follows. */
export const lengthBytes = 4;

/** The kind code of a frame body. Throws `MalformedFrame("empty")` if there is none. */
export function frameKind(body: Uint8Array): number {
  const code = body[0];
  if (code === undefined) throw new MalformedFrame("empty");
  return code;
}

// One writer serves everybody: its buffer stays, and writing never waits in the middle.
let writer = protobuf.Writer.create();
const maxIdleWriterBytes = 64 * 1024;
const header = new Uint8Array(lengthBytes + 1);

/** The complete frame. Throws `UsageError` for what the other side would have to refuse. */
export function writeFrame<Message>(
  kind: Kind<Message>,
  message: Message,
  maxFrameBytes: number,
): Uint8Array {
  const name = kind.schemaType.name;
  try {
    header[lengthBytes] = kind.code;
    writer.reset().raw(header);
    kind.schemaType.encode(kind.shape.write(message) as object, writer);
    const bodyBytes = writer.pos - lengthBytes;
    if (bodyBytes > maxFrameBytes) {
      throw new UsageError(`maxFrameBytes: a ${name} of ${bodyBytes} bytes is more than ${maxFrameBytes}`);
    }
    const frame = writer.finish();
    frame[0] = bodyBytes >>> 24;
    frame[1] = bodyBytes >>> 16;
    frame[2] = bodyBytes >>> 8;
    frame[3] = bodyBytes;
    if (writer.buf.length > maxIdleWriterBytes) writer = protobuf.Writer.create();
    return frame;
  } catch (error) {
    writer = protobuf.Writer.create();
    if (error instanceof MalformedFrame) throw new UsageError(`${name}: ${error.message}`, { cause: error });
    throw error;
  }
}

/** What a frame body of this kind says. Throws `MalformedFrame`, whatever the bytes. */
export function readFrame<Message>(kind: Kind<Message>, body: Uint8Array): Message {
  try {
    return kind.shape.read(kind.schemaType.decode(new StrictReader(body, 1, kind.maxFields)));
  } catch (error) {
    if (error instanceof MalformedFrame) throw error;
    throw new MalformedFrame("bad-encoding", kind.schemaType.name, { cause: error });
  }
}
