import { defineOptions, type Tagged, type Typed, UsageError } from "../core/index.ts";
import { frameKind, readFrame, writeFrame } from "./frame.ts";
import { helloCode, helloProofCode } from "./hello.ts";
import { kindOfMessage, kindWithCode } from "./kinds.ts";
import { MalformedFrame } from "./malformed-frame.ts";

export interface WireOptions {
  readonly maxFrameBytes: number;
}

export const wireOptions = defineOptions<WireOptions>({
  maxFrameBytes: {
    default: 2 * 1024 * 1024,
    min: 4096,
    max: 64 * 1024 * 1024,
    description: "Longest frame that is sent or accepted (what the longest digest of a full peer list needs)",
  },
});

/**
 * Messages to frames and back. Has no state but the last frame, so that one may serve many links and many nodes.
 *
 *     const codec = new Codec();
 *     socket.write(codec.encode({ layer: "heartbeat", body: { type: "ping", nonce } }));
 *     const { layer, body } = codec.decode(frameBody); // see FrameReader
 */
export class Codec {
  readonly maxFrameBytes: number;
  // A flood sends one message object to every neighbor in turn: the frame of the last one is often the next.
  #lastBody: Typed | undefined;
  #lastLayer = "";
  #lastFrame: Uint8Array = new Uint8Array(0);

  constructor(overrides?: Partial<WireOptions>) {
    this.maxFrameBytes = wireOptions(overrides).maxFrameBytes;
  }

  /**
   * The complete frame, length prefix included. Treat it as read-only, for the same one is handed out again if
   * the same object comes next. Throws `UsageError` for a message that the format does not know or that the
   * other side would refuse.
   */
  encode(message: Tagged): Uint8Array {
    const { layer, body } = message;
    if (body === this.#lastBody && layer === this.#lastLayer) return this.#lastFrame;
    const kind = kindOfMessage(message);
    if (kind === undefined)
      throw new UsageError(`message: no kind of frame for "${body.type}" of layer "${layer}"`);
    const frame = writeFrame(kind, body, this.maxFrameBytes);
    this.#lastBody = body;
    this.#lastLayer = layer;
    this.#lastFrame = frame;
    return frame;
  }

  /** What a frame without its length prefix says; keeps nothing of `frameBody`. Throws `MalformedFrame` only. */
  decode(frameBody: Uint8Array): Tagged {
    const code = frameKind(frameBody);
    if (frameBody.length > this.maxFrameBytes)
      throw new MalformedFrame("too-long", `frame of ${frameBody.length}`);
    const found = kindWithCode(code);
    if (found === undefined) {
      const isHello = code === helloCode || code === helloProofCode;
      throw new MalformedFrame(isHello ? "unexpected-kind" : "unknown-kind", String(code));
    }
    return { layer: found.layer, body: readFrame(found.kind, frameBody) };
  }
}
