/** What a node has sent, by the layer whose messages they are. */
export class LayerTraffic {
  readonly layers = new Map<string, { messages: number; bytes: number }>();

  count(layer: string, bytes: number): void {
    const sent = this.layers.get(layer);
    if (sent === undefined) this.layers.set(layer, { messages: 1, bytes });
    else {
      sent.messages++;
      sent.bytes += bytes;
    }
  }
}
