/** The ways to sign in that this gateway offers. */
export interface SignInWays {
  readonly development: boolean;
  readonly people: readonly { readonly name: string; readonly role: string; readonly does: string }[];
  readonly oidc: OidcSettings | null;
}

export interface OidcSettings {
  readonly authority: string;
  readonly clientId: string;
  readonly scope: string;
  readonly audience?: string;
}

/** @throws Error when the gateway cannot be reached */
export async function readSignInWays(): Promise<SignInWays> {
  const response = await fetch('/session');
  if (!response.ok) throw new Error('The gateway does not answer as it should');
  return (await response.json()) as SignInWays;
}

/** Gets a token of one of the example people, in development. @throws Error when it is refused */
export async function signInAs(name: string): Promise<string> {
  const response = await fetch('/session/development', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name }),
  });
  const answer = (await response.json()) as { token?: string; errors?: readonly { message: string }[] };
  if (answer.token === undefined) throw new Error(answer.errors?.[0]?.message ?? 'The gateway refused');
  return answer.token;
}
