/** An OpenID Connect provider, as the dashboard is told of it. Nothing of it is secret. */
export interface OidcConfig {
  /** The issuer's URL, below which its `.well-known/openid-configuration` is found. */
  readonly authority: string;
  readonly clientId: string;
  readonly scope: string;
  /** Some providers issue access tokens for an interface only when it is named so. */
  readonly audience: string | undefined;
}

/** Reads where people sign in; what is wrong goes to the faults. */
export function readOidcConfig(
  text: (name: string) => string | undefined,
  mode: 'development' | 'production',
  faults: string[],
): OidcConfig | undefined {
  const authority = text('OIDC_AUTHORITY');
  const clientId = text('OIDC_CLIENT_ID');
  if (authority === undefined && clientId === undefined) return undefined;
  if (authority === undefined || clientId === undefined) {
    faults.push('OIDC_AUTHORITY and OIDC_CLIENT_ID are needed together');
    return undefined;
  }
  const protocols = mode === 'production' ? ['https:'] : ['https:', 'http:'];
  if (!URL.canParse(authority) || !protocols.includes(new URL(authority).protocol)) {
    faults.push("OIDC_AUTHORITY must be the issuer's https:// URL");
    return undefined;
  }
  return {
    authority: authority.replace(/\/+$/, ''),
    clientId,
    scope: text('OIDC_SCOPE') ?? 'openid profile',
    audience: text('OIDC_AUDIENCE'),
  };
}
