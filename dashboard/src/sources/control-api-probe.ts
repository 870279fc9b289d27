/** Whether there is a control API at that address. Who wants a token is one too; a server of files is none. */
export async function hasControlApi(url: string): Promise<boolean> {
  if (!url.startsWith("http")) return false;
  const asking = new AbortController();
  try {
    const { ok, status, headers } = await fetch(new URL("v1/status", url), { signal: asking.signal });
    const isJson = headers.get("content-type")?.startsWith("application/json") === true;
    return isJson && (ok || status === 401 || status === 403);
  } catch {
    return false;
  } finally {
    // Only the beginning of the answer counts.
    asking.abort();
  }
}
