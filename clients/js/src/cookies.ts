/**
 * The five cookies that an application keeps a session in, on its own domain (protocol 19.3, 19.4): kept from what `login.php` with
 * `return_session=1` brings back (18.5), read by the page and by the application's server.
 *
 * Promise: what is not a session as the page of the wire describes it is left alone; the session leaves the page's address before
 * anything else can read it there. Judges no signature: that takes the application's secret, which no page has.
 */

/** A session that a page may sign with. */
export interface PageSession {
  key: string;
  session: string;
  secret: string;
}

const NAMES = ["user", "session_key", "expires", "ss"];

/** Writes or, with a time in the past, removes the cookie of this name. */
const put = (name: string, value: string, expires: number): void => {
  const secure = location.protocol === "https:" ? "; secure" : "";
  const until = expires ? "; expires=" + new Date(expires * 1000).toUTCString() : "";
  document.cookie = name + "=" + encodeURIComponent(value) + "; path=/; samesite=lax" + secure + until;
};

const cookie = (name: string): string | undefined => {
  const found = document.cookie.split("; ").find((pair) => pair.startsWith(name + "="));
  return found && decodeURIComponent(found.slice(name.length + 1));
};

/**
 * Keeps the session of the address's `session` parameter in the five cookies and takes it out of the address.
 *
 * @param key the application's api_key
 * @returns whether there was one
 */
export const keepSession = (key: string): boolean => {
  try {
    const { uid, session_key: session, expires, secret, sig } = JSON.parse(new URLSearchParams(location.search).get("session")!);
    if (!/^[0-9a-f]{24}-[1-9]\d*$/.test(session) || session.slice(25) !== uid || !/^[0-9a-f]{32}$/.test(sig)) return false;
    if (typeof secret !== "string" || !Number.isSafeInteger(expires) || expires < 0) return false;
    [uid, session, String(expires), secret].forEach((value, at) => put(key + "_" + NAMES[at], value, expires));
    put(key, sig, expires);
  } catch {
    return false;
  }
  const rest = location.href.replace(/([?&])session=[^&#]*(&|(?=#)|$)/, (_all, before: string, after: string) => (after ? before : ""));
  history.replaceState(history.state, "", rest);
  return true;
};

/** Removes the five cookies: what a page does when its visitor logs out of the application. */
export const forgetSession = (key: string): void => {
  for (const name of ["", ...NAMES.map((name) => "_" + name)]) put(key + name, "", 1);
};

/** The session in the cookies, as far as a page needs it. */
export const keptSession = (key: string): PageSession | undefined => {
  const [session, secret] = [cookie(key + "_session_key"), cookie(key + "_ss")];
  return session && secret ? { key, session, secret } : undefined;
};
