// How many datagrams the nodes of this process have sent, counted where they leave for the system.
import dgram from "node:dgram";

export function countDatagramsOfNode() {
  return counted(dgram.Socket.prototype, ["send"]);
}

/** hyperdht has sockets of its own. */
export function countDatagramsOfUdx() {
  return counted(udxSocket.prototype, ["send", "trySend"]);
}

const udxSocket = await import("udx-native/lib/socket.js").then(
  (module) => module.default,
  () => undefined, // not installed: nobody asks for it
);

const counters = new Map();

function counted(prototype, methods) {
  let counter = counters.get(prototype);
  if (counter === undefined) {
    counter = { sent: 0 };
    counters.set(prototype, counter);
    for (const name of methods) {
      const original = prototype[name];
      prototype[name] = function (...args) {
        counter.sent++;
        return original.apply(this, args);
      };
    }
  }
  return () => counter.sent;
}
