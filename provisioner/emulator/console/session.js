// The token: from the address once, then kept for this tab alone.

const KEY = "local-workspace-token";

/** Take `#token=…` out of the address, so that no bookmark and no history keeps it. */
export function takeTokenFromAddress() {
  const found = /^#token=([^&/]*)(.*)$/.exec(location.hash);
  if (!found) return;
  keepToken(decoded(found[1]));
  history.replaceState(null, "", `${location.pathname}#${found[2].replace(/^&/, "") || "/endpoints"}`);
}

export function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function token() {
  return sessionStorage.getItem(KEY) ?? "";
}

export function keepToken(value) {
  sessionStorage.setItem(KEY, value);
}

export function forgetToken() {
  sessionStorage.removeItem(KEY);
}
