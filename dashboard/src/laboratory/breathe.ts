/** Lets a worker hear what the page says before it goes on. A timer of a browser would wait for 4 ms. */
const channel = new MessageChannel();
let breathed: (() => void) | undefined;
channel.port1.onmessage = () => breathed?.();

export function breathe(): Promise<void> {
  return new Promise((resolve) => {
    breathed = resolve;
    channel.port2.postMessage(0);
  });
}
