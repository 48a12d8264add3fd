import { orAborted } from './abort.ts';
import type { CredentialSource } from './credentials.ts';
import { type ExecOptions, type Held, runPlugin } from './exec-plugin.ts';

/** A token that ends while the request is under way is no use. */
const expiryMarginMs = 5_000;

/**
 * A credential plugin, by the rules of https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins:
 * run when a credential is first needed and again when it has expired or was refused; questions asked meanwhile wait for the
 * one run. What the plugin writes to stderr (a device code, say) reaches the terminal as it comes.
 */
export const createExecCredentials = (options: ExecOptions, now: () => number = Date.now): CredentialSource => {
  let held: Held | undefined;
  let run: { answer: Promise<Held>; waiting: number; abort: AbortController } | undefined;

  const start = (): NonNullable<typeof run> => {
    const abort = new AbortController();
    const answer = runPlugin(options, abort.signal).then(
      (fresh) => {
        held = fresh;
        run = undefined;
        return fresh;
      },
      (error: unknown) => {
        run = undefined;
        throw error;
      },
    );
    // Whoever asked may have gone away by then.
    answer.catch(() => undefined);
    return { answer, waiting: 0, abort };
  };

  return {
    async get(signal) {
      if (held !== undefined && held.expiresAt - expiryMarginMs > now()) return held.credential;
      signal?.throwIfAborted();
      run ??= start();
      const mine = run;
      mine.waiting += 1;
      try {
        return (await orAborted(mine.answer, signal)).credential;
      } finally {
        mine.waiting -= 1;
        // Nobody waits for it any more: a plugin that still asks for a password must not outlive the command.
        if (mine.waiting === 0) mine.abort.abort();
      }
    },
    refuse(credential) {
      // Another call may have renewed it in the meantime, and then that one is to be tried.
      if (held?.credential === credential) held = undefined;
      return true;
    },
  };
};
