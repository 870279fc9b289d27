// js-libp2p 3 calls Promise.withResolvers, which Node has only since version 22. Import this file before it.
Promise.withResolvers ??= function withResolvers() {
  const parts = {};
  parts.promise = new this((resolve, reject) => {
    parts.resolve = resolve;
    parts.reject = reject;
  });
  return parts;
};
