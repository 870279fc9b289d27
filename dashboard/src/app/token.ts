/** The token of the control API, until the tab is closed: it is no one's who opens another. */
const place = "grapevine-token";

export function keptToken(): string | undefined {
  return sessionStorage.getItem(place) ?? undefined;
}

export function keepToken(token: string): void {
  sessionStorage.setItem(place, token);
}
